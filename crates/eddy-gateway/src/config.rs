//! All that one API consists of, read whole, changed in memory and written back as one batch.
//!
//! An API is small (its quotas bound it), and nearly every change concerns several rows: a new route is deployed
//! by each stage that deploys at once. So a change reads everything, [`Edit`]s it, and commits the difference on
//! the condition that the API's row has not moved; whoever comes second decides again.

mod edit;

use std::collections::BTreeMap;

use eddy_store::{Batch, Order, Pos};

pub use edit::{Edit, NewIntegration, NewStage};

use crate::error::Error;
use crate::keys::{self, Kind};
use crate::limits;
use crate::rows::{self, Api, Deployment, Integration, Route, Snapshot, Stage};

/// An API with what is below it, by id or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub api: Api,
    pub routes: BTreeMap<String, Route>,
    pub integrations: BTreeMap<String, Integration>,
    pub stages: BTreeMap<String, Stage>,
    pub deployments: BTreeMap<String, Deployment>,
}

impl Config {
    pub(crate) fn new(api: Api) -> Config {
        Config {
            api,
            routes: BTreeMap::new(),
            integrations: BTreeMap::new(),
            stages: BTreeMap::new(),
            deployments: BTreeMap::new(),
        }
    }

    /// The API as a snapshot of the store has it, and the position of its last change.
    pub(crate) fn read(snapshot: &eddy_store::Snapshot, id: &str) -> Result<Option<(Config, Pos)>, Error> {
        let Some(row) = snapshot.get(&keys::api(id))? else { return Ok(None) };
        let config = Config {
            api: rows::decode(&row.value)?,
            routes: parts(snapshot, Kind::Route, id, limits::ROUTES_MAX, |route: &Route| &route.id)?,
            integrations: parts(
                snapshot,
                Kind::Integration,
                id,
                limits::INTEGRATIONS_MAX,
                |integration: &Integration| &integration.id,
            )?,
            stages: parts(snapshot, Kind::Stage, id, limits::STAGES_MAX, |stage: &Stage| &stage.name)?,
            deployments: parts(
                snapshot,
                Kind::Deployment,
                id,
                limits::DEPLOYMENTS_MAX + limits::STAGES_MAX,
                |deployment: &Deployment| &deployment.id,
            )?,
        };
        Ok(Some((config, row.pos)))
    }

    /// Puts into the batch what makes `old` this. `None` is an API that was not there.
    fn difference(&self, old: Option<&Config>, batch: &mut Batch) {
        let id = &self.api.id;
        batch.put(keys::api(id), rows::encode(&self.api));
        let empty = Config::new(self.api.clone());
        let old = old.unwrap_or(&empty);
        compare(batch, Kind::Route, id, &old.routes, &self.routes);
        compare(batch, Kind::Integration, id, &old.integrations, &self.integrations);
        compare(batch, Kind::Stage, id, &old.stages, &self.stages);
        compare(batch, Kind::Deployment, id, &old.deployments, &self.deployments);
        for (name, gone) in &old.deployments {
            if !self.deployments.contains_key(name) {
                forget_snapshot(batch, id, gone);
            }
        }
    }

    /// Puts into the batch what removes the API and everything below it.
    pub(crate) fn removal(&self, batch: &mut Batch) {
        let id = &self.api.id;
        batch.delete(keys::api(id)).delete(keys::place(&self.api.scope, id));
        let nothing = Config::new(self.api.clone());
        compare(batch, Kind::Route, id, &self.routes, &nothing.routes);
        compare(batch, Kind::Integration, id, &self.integrations, &nothing.integrations);
        compare(batch, Kind::Stage, id, &self.stages, &nothing.stages);
        compare(batch, Kind::Deployment, id, &self.deployments, &nothing.deployments);
        self.deployments.values().for_each(|deployment| forget_snapshot(batch, id, deployment));
    }
}

/// What a deployment froze.
pub(crate) fn read_snapshot(
    snapshot: &eddy_store::Snapshot,
    api: &str,
    deployment: &Deployment,
) -> Result<Snapshot, Error> {
    let mut bytes = Vec::new();
    for number in 0..deployment.rows {
        let row = snapshot.get(&keys::snapshot(api, &deployment.id, number))?;
        let row = row.ok_or_else(|| Error::Unreadable("a part of a deployment is missing".to_owned()))?;
        bytes.extend_from_slice(&row.value);
    }
    rows::decode(&bytes)
}

/// Cuts a snapshot into rows.
pub(crate) fn cut(snapshot: &Snapshot) -> Vec<Vec<u8>> {
    rows::encode(snapshot).chunks(limits::SNAPSHOT_ROW_BYTES_MAX).map(<[u8]>::to_vec).collect()
}

fn forget_snapshot(batch: &mut Batch, api: &str, deployment: &Deployment) {
    for number in 0..deployment.rows {
        batch.delete(keys::snapshot(api, &deployment.id, number));
    }
}

fn parts<T: for<'b> minicbor::Decode<'b, ()>>(
    snapshot: &eddy_store::Snapshot,
    kind: Kind,
    api: &str,
    max: usize,
    name: fn(&T) -> &String,
) -> Result<BTreeMap<String, T>, Error> {
    let rows = snapshot.scan(keys::parts(kind, api), Order::Forward, max)?;
    let values = rows.iter().map(|(_, row)| {
        let value: T = rows::decode(&row.value)?;
        Ok((name(&value).clone(), value))
    });
    values.collect()
}

fn compare<T: PartialEq + minicbor::Encode<()>>(
    batch: &mut Batch,
    kind: Kind,
    api: &str,
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
) {
    for (id, value) in new {
        if old.get(id) != Some(value) {
            batch.put(keys::part(kind, api, id), rows::encode(value));
        }
    }
    for id in old.keys().filter(|id| !new.contains_key(*id)) {
        batch.delete(keys::part(kind, api, id));
    }
}
