//! One change of an API, decided on what it is now.

use std::collections::BTreeMap;

use eddy_base::{Env, Id, Subject, Timestamp};
use eddy_store::Batch;

use super::{Config, cut};
use crate::error::Error;
use crate::keys;
use crate::limits;
use crate::route::Key;
use crate::rows::{Deployment, Format, Integration, Pairs, Route, Snapshot, Stage};

/// An API while it is being changed. Methods keep its rules; what they leave is committed as one batch.
pub struct Edit<'a> {
    env: &'a dyn Env,
    old: Option<&'a Config>,
    config: Config,
    /// Snapshots of deployments that this change made.
    frozen: BTreeMap<String, Vec<Vec<u8>>>,
    /// Stages that have to be deployed although no route changed.
    stale: Vec<String>,
}

/// What an integration is made of.
#[derive(Debug, Clone)]
pub struct NewIntegration {
    pub uri: String,
    pub format: Format,
    pub timeout_millis: u32,
    pub description: Option<String>,
    pub method: Option<String>,
    pub managed: bool,
}

/// What a stage is made of.
#[derive(Debug, Clone)]
pub struct NewStage {
    pub name: String,
    pub deployment: Option<String>,
    pub auto_deploy: bool,
    pub variables: Pairs,
    pub description: Option<String>,
    pub tags: Pairs,
    pub managed: bool,
}

/// What a stage that deploys by itself says of it.
mod message {
    pub(super) fn deployed(id: &str) -> String {
        format!("Successfully deployed stage with deployment ID '{id}'")
    }

    pub(super) const NOTHING: &str =
        "Deployment attempt failed: At least one route is required before deploying the Api.";
}

impl<'a> Edit<'a> {
    pub(crate) fn new(env: &'a dyn Env, old: Option<&'a Config>, config: Config) -> Edit<'a> {
        Edit { env, old, config, frozen: BTreeMap::new(), stale: Vec::new() }
    }

    /// The API as changed so far. What is written here directly keeps no rule; ids and names must stay.
    pub fn config(&mut self) -> &mut Config {
        &mut self.config
    }

    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    // ---- routes ---------------------------------------------------------------------------------------

    /// Adds a route.
    ///
    /// # Errors
    /// `Invalid` about the key; `Exists` about the route; `Missing` about its integration; `LimitExceeded`.
    pub fn add_route(
        &mut self,
        key: &str,
        integration: Option<&str>,
        operation: Option<&str>,
        managed: bool,
    ) -> Result<Route, eddy_base::Fault> {
        self.check_count(self.config.routes.len(), limits::ROUTES_MAX, "routes of an API", Subject::Route)?;
        self.check_key(key, None)?;
        self.check_integration(integration)?;
        let id = self.label(limits::PART_ID_CHARS, |config, id| config.routes.contains_key(id));
        let route = Route {
            id: id.clone(),
            key: key.to_owned(),
            integration: integration.map(str::to_owned),
            operation: operation.map(str::to_owned),
            managed,
        };
        self.config.routes.insert(id, route.clone());
        Ok(route)
    }

    /// Changes a route; its id stays.
    ///
    /// # Errors
    /// As [`Edit::add_route`]; `Missing` about the route; `Invalid` when a managed route is renamed.
    pub fn change_route(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Route),
    ) -> Result<Route, eddy_base::Fault> {
        let old = self.config.routes.get(id).ok_or_else(|| Error::NoRoute(id.to_owned()))?;
        let mut new = old.clone();
        change(&mut new);
        if new.key != old.key {
            if old.managed {
                return Err(Error::Managed { what: "the route" }.into());
            }
            self.check_key(&new.key, Some(id))?;
        }
        self.check_integration(new.integration.as_deref())?;
        self.config.routes.insert(id.to_owned(), new.clone());
        Ok(new)
    }

    /// # Errors
    /// `Missing` about the route; `Invalid` when it is managed.
    pub fn remove_route(&mut self, id: &str) -> Result<(), eddy_base::Fault> {
        let route = self.config.routes.get(id).ok_or_else(|| Error::NoRoute(id.to_owned()))?;
        if route.managed {
            return Err(Error::Managed { what: "the route" }.into());
        }
        self.config.routes.remove(id);
        Ok(())
    }

    // ---- integrations ---------------------------------------------------------------------------------

    /// # Errors
    /// `Invalid` about the time-out; `LimitExceeded`.
    pub fn add_integration(&mut self, new: NewIntegration) -> Result<Integration, eddy_base::Fault> {
        let count = self.config.integrations.len();
        let max = limits::INTEGRATIONS_MAX;
        self.check_count(count, max, "integrations of an API", Subject::Integration)?;
        check_timeout(new.timeout_millis)?;
        let id = self.label(limits::PART_ID_CHARS, |config, id| config.integrations.contains_key(id));
        let NewIntegration { uri, format, timeout_millis, description, method, managed } = new;
        let integration =
            Integration { id: id.clone(), uri, format, timeout_millis, description, method, managed };
        self.config.integrations.insert(id, integration.clone());
        Ok(integration)
    }

    /// Changes an integration; its id stays.
    ///
    /// # Errors
    /// `Missing` about it; `Invalid` about the time-out.
    pub fn change_integration(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Integration),
    ) -> Result<Integration, eddy_base::Fault> {
        let integration =
            self.config.integrations.get_mut(id).ok_or_else(|| Error::NoIntegration(id.to_owned()))?;
        let mut new = integration.clone();
        change(&mut new);
        check_timeout(new.timeout_millis)?;
        *integration = new.clone();
        Ok(new)
    }

    /// # Errors
    /// `Missing` about it; `Conflict` while a route leads to it; `Invalid` when it is managed.
    pub fn remove_integration(&mut self, id: &str) -> Result<(), eddy_base::Fault> {
        let integration =
            self.config.integrations.get(id).ok_or_else(|| Error::NoIntegration(id.to_owned()))?;
        if integration.managed {
            return Err(Error::Managed { what: "the integration" }.into());
        }
        if let Some(user) = self.config.routes.values().find(|route| route.integration.as_deref() == Some(id))
        {
            let (integration, route) = (id.to_owned(), user.key.clone());
            return Err(Error::IntegrationInUse { integration, route }.into());
        }
        self.config.integrations.remove(id);
        Ok(())
    }

    // ---- what was made with the API -------------------------------------------------------------------

    /// Makes the route, the integration and the stage that an API is made with when it is made for one function.
    ///
    /// # Errors
    /// `Invalid` about the key.
    pub fn add_managed(&mut self, key: &str, integration: NewIntegration) -> Result<(), eddy_base::Fault> {
        let to = self.add_integration(NewIntegration { managed: true, ..integration })?;
        self.add_route(key, Some(&to.id), None, true)?;
        self.add_stage(NewStage {
            name: Stage::DEFAULT.to_owned(),
            deployment: None,
            auto_deploy: true,
            variables: Pairs::new(),
            description: None,
            tags: Pairs::new(),
            managed: true,
        })
    }

    /// Changes what [`Edit::add_managed`] made: the key of the route, the function of the integration.
    ///
    /// # Errors
    /// `Missing` about route or integration, when the API was made without; `Invalid` or `Exists` about the key.
    pub fn change_managed(&mut self, key: Option<&str>, uri: Option<&str>) -> Result<(), eddy_base::Fault> {
        if let Some(key) = key {
            let route = self.config.routes.values().find(|route| route.managed);
            let id = route.map(|route| route.id.clone()).ok_or_else(|| Error::NoRoute(key.to_owned()))?;
            self.check_key(key, Some(&id))?;
            if let Some(route) = self.config.routes.get_mut(&id) {
                route.key = key.to_owned();
            }
        }
        if let Some(uri) = uri {
            let integration = self.config.integrations.values_mut().find(|integration| integration.managed);
            integration.ok_or_else(|| Error::NoIntegration(uri.to_owned()))?.uri = uri.to_owned();
        }
        Ok(())
    }

    // ---- stages ---------------------------------------------------------------------------------------

    /// # Errors
    /// `Exists` or `Invalid` about the stage; `Missing` about its deployment; `LimitExceeded`.
    pub fn add_stage(&mut self, new: NewStage) -> Result<(), eddy_base::Fault> {
        let NewStage { name, deployment, auto_deploy, variables, description, tags, managed } = new;
        check_stage_name(&name)?;
        if self.config.stages.contains_key(&name) {
            return Err(Error::StageExists(name).into());
        }
        self.check_count(self.config.stages.len(), limits::STAGES_MAX, "stages of an API", Subject::Stage)?;
        if auto_deploy && deployment.is_some() {
            return Err(Error::DeploysItself(name).into());
        }
        self.check_deployment(deployment.as_deref())?;
        if auto_deploy {
            self.stale.push(name.clone());
        }
        let now = self.env.now();
        let stage = Stage {
            name: name.clone(),
            deployment,
            auto_deploy,
            variables,
            description,
            created: now,
            updated: now,
            tags,
            message: None,
            managed,
        };
        self.config.stages.insert(name, stage);
        Ok(())
    }

    /// Changes a stage; its name stays.
    ///
    /// # Errors
    /// `Missing` about the stage or its deployment; `Invalid` when the deployment of a stage that deploys by
    /// itself is chosen.
    pub fn change_stage(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Stage),
    ) -> Result<(), eddy_base::Fault> {
        let old = self.config.stages.get(name).ok_or_else(|| Error::NoStage(name.to_owned()))?;
        let mut new = old.clone();
        change(&mut new);
        new.updated = self.env.now();
        if new.auto_deploy && new.deployment != old.deployment {
            return Err(Error::DeploysItself(name.to_owned()).into());
        }
        if new.auto_deploy && !old.auto_deploy {
            self.stale.push(name.to_owned());
        }
        self.check_deployment(new.deployment.as_deref())?;
        self.config.stages.insert(name.to_owned(), new);
        Ok(())
    }

    /// # Errors
    /// `Missing` about the stage.
    pub fn remove_stage(&mut self, name: &str) -> Result<(), eddy_base::Fault> {
        let gone = self.config.stages.remove(name);
        gone.map(|_| ()).ok_or_else(|| Error::NoStage(name.to_owned()).into())
    }

    // ---- deployments ----------------------------------------------------------------------------------

    /// Freezes routes and integrations as they are now, and has `stage` serve them if one is named.
    ///
    /// # Errors
    /// `Invalid` without a route, or when the stage deploys by itself; `Missing` about the stage;
    /// `LimitExceeded`.
    pub fn deploy(
        &mut self,
        description: Option<String>,
        stage: Option<&str>,
    ) -> Result<Deployment, eddy_base::Fault> {
        if let Some(name) = stage {
            let stage = self.config.stages.get(name).ok_or_else(|| Error::NoStage(name.to_owned()))?;
            if stage.auto_deploy {
                return Err(Error::DeploysItself(name.to_owned()).into());
            }
        }
        if self.config.routes.is_empty() {
            return Err(Error::NothingToDeploy.into());
        }
        let by_hand = self.config.deployments.values().filter(|deployment| !deployment.auto).count();
        self.check_count(by_hand, limits::DEPLOYMENTS_MAX, "deployments of an API", Subject::Deployment)?;
        let deployment = self.freeze(description, false);
        let now = self.env.now();
        if let Some(stage) = stage.and_then(|name| self.config.stages.get_mut(name)) {
            stage.deployment = Some(deployment.id.clone());
            stage.updated = now;
        }
        Ok(deployment)
    }

    /// # Errors
    /// `Missing` about the deployment.
    pub fn describe_deployment(
        &mut self,
        id: &str,
        description: Option<String>,
    ) -> Result<Deployment, eddy_base::Fault> {
        let deployment =
            self.config.deployments.get_mut(id).ok_or_else(|| Error::NoDeployment(id.to_owned()))?;
        if description.is_some() {
            deployment.description = description;
        }
        Ok(deployment.clone())
    }

    /// # Errors
    /// `Missing` about the deployment; `Conflict` while a stage serves it.
    pub fn remove_deployment(&mut self, id: &str) -> Result<(), eddy_base::Fault> {
        if !self.config.deployments.contains_key(id) {
            return Err(Error::NoDeployment(id.to_owned()).into());
        }
        if let Some(stage) = self.config.stages.values().find(|stage| stage.deployment.as_deref() == Some(id))
        {
            let (deployment, stage) = (id.to_owned(), stage.name.clone());
            return Err(Error::DeploymentInUse { deployment, stage }.into());
        }
        self.config.deployments.remove(id);
        Ok(())
    }

    // ---- the end --------------------------------------------------------------------------------------

    /// Deploys what deploys by itself and puts the difference into a batch.
    pub(crate) fn finish(mut self, batch: &mut Batch) -> Config {
        self.deploy_by_itself();
        self.config.difference(self.old, batch);
        let api = &self.config.api.id;
        for (deployment, rows) in self.frozen {
            if !self.config.deployments.contains_key(&deployment) {
                continue;
            }
            for (number, row) in (0_u32..).zip(rows) {
                batch.put(keys::snapshot(api, &deployment, number), row);
            }
        }
        self.config
    }

    fn deploy_by_itself(&mut self) {
        let changed = self.old.is_some_and(|old| {
            old.routes != self.config.routes || old.integrations != self.config.integrations
        });
        let stages: Vec<String> = if changed || self.old.is_none() {
            self.config
                .stages
                .values()
                .filter(|stage| stage.auto_deploy)
                .map(|stage| stage.name.clone())
                .collect()
        } else {
            self.stale.clone()
        };
        let stages: Vec<String> =
            stages.into_iter().filter(|name| self.config.stages.contains_key(name)).collect();
        if stages.is_empty() {
            return;
        }
        let deployment = if self.config.routes.is_empty() { None } else { Some(self.freeze(None, true).id) };
        let now = self.env.now();
        for name in stages {
            let Some(stage) = self.config.stages.get_mut(&name) else { continue };
            match &deployment {
                Some(id) => {
                    stage.deployment = Some(id.clone());
                    stage.message = Some(message::deployed(id));
                }
                // What was deployed last goes on.
                None => stage.message = Some(message::NOTHING.to_owned()),
            }
            stage.updated = now;
        }
        let served: Vec<String> =
            self.config.stages.values().filter_map(|stage| stage.deployment.clone()).collect();
        self.config.deployments.retain(|id, deployment| !deployment.auto || served.contains(id));
    }

    fn freeze(&mut self, description: Option<String>, auto: bool) -> Deployment {
        let id = self.label(limits::DEPLOYMENT_ID_CHARS, |config, id| config.deployments.contains_key(id));
        let snapshot = Snapshot {
            routes: self.config.routes.values().cloned().collect(),
            integrations: self.config.integrations.values().cloned().collect(),
        };
        let rows = cut(&snapshot);
        let count = u32::try_from(rows.len()).expect("a snapshot has few rows, since routes are bounded");
        let deployment =
            Deployment { id: id.clone(), created: self.env.now(), description, auto, rows: count };
        self.frozen.insert(id.clone(), rows);
        self.config.deployments.insert(id, deployment.clone());
        deployment
    }

    fn label(&self, length: usize, taken: fn(&Config, &str) -> bool) -> String {
        loop {
            let label = Id::random_label(self.env, length);
            if !taken(&self.config, &label) {
                return label;
            }
        }
    }

    fn check_key(&self, key: &str, own: Option<&str>) -> Result<(), Error> {
        key.parse::<Key>()?;
        let mut others = self.config.routes.values().filter(|route| Some(route.id.as_str()) != own);
        if others.any(|route| route.key == key) {
            return Err(Error::RouteExists(key.to_owned()));
        }
        Ok(())
    }

    fn check_integration(&self, id: Option<&str>) -> Result<(), Error> {
        match id {
            Some(id) if !self.config.integrations.contains_key(id) => {
                Err(Error::NoIntegration(id.to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_deployment(&self, id: Option<&str>) -> Result<(), Error> {
        match id {
            Some(id) if !self.config.deployments.contains_key(id) => Err(Error::NoDeployment(id.to_owned())),
            Some(_) | None => Ok(()),
        }
    }

    fn check_count(
        &self,
        count: usize,
        max: usize,
        what: &'static str,
        subject: Subject,
    ) -> Result<(), Error> {
        if count >= max { Err(Error::TooMany { what, max, subject }) } else { Ok(()) }
    }
}

fn check_timeout(millis: u32) -> Result<(), Error> {
    let range = limits::TIMEOUT_MIN.as_millis()..=limits::TIMEOUT_MAX.as_millis();
    if range.contains(&u128::from(millis)) { Ok(()) } else { Err(Error::Timeout) }
}

fn check_stage_name(name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let plain = (1..=limits::STAGE_NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(allowed);
    if plain || name == Stage::DEFAULT { Ok(()) } else { Err(Error::StageName) }
}
