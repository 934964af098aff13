use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::input;
use super::shape::DeploymentShape;
use crate::{Cx, Needs, Operation, Reply};

/// Describes a deployment differently. What it froze stays.
#[derive(Deserialize)]
pub(super) struct UpdateDeployment {
    api_id: String,
    deployment_id: String,
    description: Option<String>,
}

impl Operation for UpdateDeployment {
    const NAME: &'static str = "UpdateDeployment";
    type Output = DeploymentShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PATCH, format_args!("apis/{}/deployments/{}", self.api_id, self.deployment_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<DeploymentShape>, Fault> {
        input::description(self.description.as_deref())?;
        let named = Named { api: &self.api_id, deployment: &self.deployment_id, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.describe_deployment(&self.deployment_id, self.description.clone())
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(_, deployment)| deployment.into())))
    }
}
