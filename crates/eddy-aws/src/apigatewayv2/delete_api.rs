use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use crate::{Cx, Needs, Operation, Reply};

/// Removes an API with its routes, integrations, stages and deployments.
#[derive(Deserialize)]
pub(super) struct DeleteApi {
    api_id: String,
}

impl Operation for DeleteApi {
    const NAME: &'static str = "DeleteApi";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::DELETE, format_args!("apis/{}", self.api_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let named = Named { api: &self.api_id, ..Named::default() };
        let done = cx.engines.gateway.delete(&cx.scope, &self.api_id).await;
        Ok(Reply::after(done.map_err(|fault| worded(&cx, named, fault))?))
    }
}
