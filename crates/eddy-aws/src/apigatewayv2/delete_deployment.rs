use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use crate::{Cx, Needs, Operation, Reply};

/// Removes a deployment that no stage serves.
#[derive(Deserialize)]
pub(super) struct DeleteDeployment {
    api_id: String,
    deployment_id: String,
}

impl Operation for DeleteDeployment {
    const NAME: &'static str = "DeleteDeployment";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::DELETE, format_args!("apis/{}/deployments/{}", self.api_id, self.deployment_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let named = Named { api: &self.api_id, deployment: &self.deployment_id, ..Named::default() };
        let change = cx
            .engines
            .gateway
            .change(&cx.scope, &self.api_id, |edit| edit.remove_deployment(&self.deployment_id));
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| ())))
    }
}
