use std::collections::BTreeMap;

use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use super::fault::{Named, worded};
use super::input;
use super::shape::StageShape;
use crate::{Cx, Needs, Operation, Reply};

/// Changes a stage: its deployment, its variables (all of them, where they are given), its description.
#[derive(Deserialize)]
pub(super) struct UpdateStage {
    api_id: String,
    auto_deploy: Option<bool>,
    deployment_id: Option<String>,
    description: Option<String>,
    stage_name: String,
    stage_variables: Option<BTreeMap<String, String>>,
}

impl Operation for UpdateStage {
    const NAME: &'static str = "UpdateStage";
    type Output = StageShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PATCH, format_args!("apis/{}/stages/{}", self.api_id, self.stage_name))
    }

    async fn call(self, cx: Cx) -> Result<Reply<StageShape>, Fault> {
        input::description(self.description.as_deref())?;
        let variables = self.stage_variables.map(input::variables).transpose()?;
        let deployment = self.deployment_id.filter(|id| !id.is_empty());
        let named = Named {
            api: &self.api_id,
            deployment: deployment.as_deref().unwrap_or_default(),
            ..Named::default()
        };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.change_stage(&self.stage_name, |stage| {
                stage.auto_deploy = self.auto_deploy.unwrap_or(stage.auto_deploy);
                if deployment.is_some() {
                    stage.deployment.clone_from(&deployment);
                }
                if self.description.is_some() {
                    stage.description.clone_from(&self.description);
                }
                if let Some(variables) = &variables {
                    stage.variables.clone_from(variables);
                }
            })
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        let stage = done.value().0.stages.get(&self.stage_name).cloned();
        let stage =
            stage.ok_or_else(|| Fault::new(Code::Internal, Subject::Stage, "the stage is not there"))?;
        Ok(Reply::after(done.map(|_| stage.into())))
    }
}
