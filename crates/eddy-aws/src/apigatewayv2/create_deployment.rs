use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::input;
use super::shape::DeploymentShape;
use crate::{Cx, Needs, Operation, Reply};

/// Freezes routes and integrations as they are, for a stage to serve.
#[derive(Deserialize)]
pub(super) struct CreateDeployment {
    api_id: String,
    description: Option<String>,
    stage_name: Option<String>,
}

impl Operation for CreateDeployment {
    const NAME: &'static str = "CreateDeployment";
    type Output = DeploymentShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::POST, format_args!("apis/{}/deployments", self.api_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<DeploymentShape>, Fault> {
        input::description(self.description.as_deref())?;
        let named = Named { api: &self.api_id, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.deploy(self.description.clone(), self.stage_name.as_deref())
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(_, deployment)| deployment.into())))
    }
}
