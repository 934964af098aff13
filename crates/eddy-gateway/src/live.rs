//! APIs as they answer requests: stages with their routes compiled, kept until something of the API changes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use eddy_store::{Applied, Follower, Pos, Store};

use crate::config::{Config, read_snapshot};
use crate::error::Error;
use crate::exchange::Target;
use crate::keys;
use crate::limits;
use crate::route::{Found, Key, Table};
use crate::rows::{Api, Format, Integration, Pairs, Snapshot, Stage};

/// An API with what its stages serve.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) api: Api,
    stages: HashMap<String, Serving>,
}

/// What one stage serves.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) stage: String,
    pub(crate) variables: Pairs,
    table: Table<Hop>,
}

/// What a route leads to.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) route_key: String,
    /// The path of the route's key.
    pub(crate) resource: String,
    pub(crate) format: Format,
    pub(crate) timeout: Duration,
    /// None when the integration's address names no function.
    pub(crate) target: Option<Target>,
}

impl Live {
    /// The stage that a path asks for, and the path below it.
    pub(crate) fn stage<'a>(&self, path: &'a str) -> Option<(&Serving, &'a str)> {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let named = self.stages.get(first).filter(|_| first != Stage::DEFAULT);
        if let Some((serving, below)) = named.zip(crate::path::below(path, first)) {
            return Some((serving, below));
        }
        self.stages.get(Stage::DEFAULT).map(|serving| (serving, path))
    }
}

impl Serving {
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Found<'_, Hop>> {
        self.table.find(method, path)
    }

    fn new(stage: &Stage, frozen: Snapshot, target: fn(&str) -> Option<Target>) -> Result<Serving, Error> {
        let integrations: HashMap<&str, &Integration> =
            frozen.integrations.iter().map(|integration| (integration.id.as_str(), integration)).collect();
        let mut routes = Vec::with_capacity(frozen.routes.len());
        for route in &frozen.routes {
            let to = route.integration.as_deref().and_then(|id| integrations.get(id));
            let Some(integration) = to else { continue };
            let key: Key = route.key.parse()?;
            let resource = match &key {
                Key::Default => Key::DEFAULT.to_owned(),
                Key::Path { path, .. } => path.to_string(),
            };
            let hop = Hop {
                route_key: route.key.clone(),
                resource,
                format: integration.format,
                timeout: Duration::from_millis(u64::from(integration.timeout_millis)),
                target: target(&filled(&integration.uri, &stage.variables)),
            };
            routes.push((key, hop));
        }
        Ok(Serving {
            stage: stage.name.clone(),
            variables: stage.variables.clone(),
            table: Table::new(routes),
        })
    }
}

/// The address with `${stageVariables.NAME}` replaced. What is not set becomes nothing.
fn filled(uri: &str, variables: &Pairs) -> String {
    const START: &str = "${stageVariables.";
    let mut text = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once(START) {
        let Some((name, behind)) = after.split_once('}') else { break };
        text.push_str(before);
        let value = variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        text.push_str(value.unwrap_or_default());
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// The live APIs of a store.
pub(crate) struct Lives {
    kept: Arc<RwLock<Kept>>,
    target: fn(&str) -> Option<Target>,
    /// Keeps forgetting what changes.
    _follower: Follower,
}

#[derive(Default)]
struct Kept {
    apis: HashMap<String, Arc<Live>>,
    /// The last change of any API. What was read before it may be old.
    changed: Pos,
}

impl Lives {
    pub(crate) fn follow(store: &Store, target: fn(&str) -> Option<Target>) -> Lives {
        let kept = Arc::new(RwLock::new(Kept::default()));
        let folded = Arc::clone(&kept);
        let follower = store.follow(keys::SPACE, move |applied| {
            folded.write().unwrap_or_else(PoisonError::into_inner).forget(applied);
        });
        Lives { kept, target, _follower: follower }
    }

    /// The API as the store has it now.
    pub(crate) fn get(&self, store: &Store, id: &str) -> Result<Option<Arc<Live>>, Error> {
        if let Some(live) = self.kept.read().unwrap_or_else(PoisonError::into_inner).apis.get(id) {
            return Ok(Some(Arc::clone(live)));
        }
        let snapshot = store.snapshot();
        let Some((config, _)) = Config::read(&snapshot, id)? else { return Ok(None) };
        let mut stages = HashMap::new();
        for stage in config.stages.values() {
            let Some(deployment) = stage.deployment.as_ref().and_then(|id| config.deployments.get(id)) else {
                continue;
            };
            let frozen = read_snapshot(&snapshot, id, deployment)?;
            stages.insert(stage.name.clone(), Serving::new(stage, frozen, self.target)?);
        }
        let live = Arc::new(Live { api: config.api, stages });
        self.kept.write().unwrap_or_else(PoisonError::into_inner).keep(id, &live, snapshot.pos());
        Ok(Some(live))
    }
}

impl Kept {
    fn keep(&mut self, id: &str, live: &Arc<Live>, read_at: Pos) {
        if read_at < self.changed {
            return;
        }
        if self.apis.len() >= limits::LIVE_APIS_MAX {
            self.apis.clear();
        }
        self.apis.insert(id.to_owned(), Arc::clone(live));
    }

    fn forget(&mut self, applied: &Applied) {
        self.changed = applied.pos;
        for (key, _) in &applied.rows {
            match keys::api_of(key) {
                Ok(api) => drop(self.apis.remove(&api)),
                Err(_) => self.apis.clear(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_variables_are_filled_in() {
        let variables = vec![("fn".to_owned(), "hello".to_owned())];
        for (uri, wanted) in [
            ("arn:x:${stageVariables.fn}", "arn:x:hello"),
            ("${stageVariables.fn}-${stageVariables.none}-${stageVariables.fn}", "hello--hello"),
            ("plain", "plain"),
            ("${stageVariables.fn", "${stageVariables.fn"),
        ] {
            assert_eq!(filled(uri, &variables), wanted);
        }
    }
}
