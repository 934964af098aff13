use std::collections::BTreeMap;

use eddy_base::{Code, Fault, Subject};
use eddy_gateway::NewStage;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::input;
use super::shape::StageShape;
use crate::{Cx, Needs, Operation, Reply};

/// Adds a stage: a name under which a deployment answers.
#[derive(Deserialize)]
pub(super) struct CreateStage {
    api_id: String,
    auto_deploy: Option<bool>,
    deployment_id: Option<String>,
    description: Option<String>,
    stage_name: String,
    stage_variables: Option<BTreeMap<String, String>>,
    tags: Option<BTreeMap<String, String>>,
}

impl Operation for CreateStage {
    const NAME: &'static str = "CreateStage";
    type Output = StageShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::POST, format_args!("apis/{}/stages", self.api_id))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        input::variables(self.stage_variables.clone().unwrap_or_default())?;
        input::tags(self.tags.clone())?;
        input::description(self.description.as_deref())
    }

    async fn call(self, cx: Cx) -> Result<Reply<StageShape>, Fault> {
        input::description(self.description.as_deref())?;
        let deployment = self.deployment_id.unwrap_or_default();
        let new = NewStage {
            name: self.stage_name,
            deployment: (!deployment.is_empty()).then(|| deployment.clone()),
            auto_deploy: self.auto_deploy.unwrap_or(false),
            variables: input::variables(self.stage_variables.unwrap_or_default())?,
            description: self.description,
            tags: input::tags(self.tags)?,
            managed: false,
        };
        let named = Named { api: &self.api_id, deployment: &deployment, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| edit.add_stage(new.clone()));
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        let stage = done.value().0.stages.get(&new.name).cloned();
        let stage =
            stage.ok_or_else(|| Fault::new(Code::Internal, Subject::Stage, "the stage is not there"))?;
        Ok(Reply::after(done.map(|_| stage.into())))
    }
}
