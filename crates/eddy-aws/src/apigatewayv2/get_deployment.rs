use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use super::fault::{Named, worded};
use super::shape::DeploymentShape;
use crate::{Cx, Needs, Operation, Reply};

/// One deployment.
#[derive(Deserialize)]
pub(super) struct GetDeployment {
    api_id: String,
    deployment_id: String,
}

impl Operation for GetDeployment {
    const NAME: &'static str = "GetDeployment";
    type Output = DeploymentShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("apis/{}/deployments/{}", self.api_id, self.deployment_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<DeploymentShape>, Fault> {
        let named = Named { api: &self.api_id, deployment: &self.deployment_id, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, &self.api_id);
        let (mut config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        let Some(deployment) = config.deployments.remove(&self.deployment_id) else {
            return Err(worded(&cx, named, Fault::new(Code::Missing, Subject::Deployment, "")));
        };
        Ok(Reply::read(deployment.into(), pos))
    }
}
