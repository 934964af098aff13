use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use crate::{Cx, Needs, Operation, Reply};

/// Removes an integration that no route leads to.
#[derive(Deserialize)]
pub(super) struct DeleteIntegration {
    api_id: String,
    integration_id: String,
}

impl Operation for DeleteIntegration {
    const NAME: &'static str = "DeleteIntegration";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(
            cx,
            super::DELETE,
            format_args!("apis/{}/integrations/{}", self.api_id, self.integration_id),
        )
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let named = Named { api: &self.api_id, integration: &self.integration_id, ..Named::default() };
        let change = cx
            .engines
            .gateway
            .change(&cx.scope, &self.api_id, |edit| edit.remove_integration(&self.integration_id));
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| ())))
    }
}
