use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use crate::{Cx, Needs, Operation, Reply};

/// Takes the CORS configuration off an API.
#[derive(Deserialize)]
pub(super) struct DeleteCorsConfiguration {
    api_id: String,
}

impl Operation for DeleteCorsConfiguration {
    const NAME: &'static str = "DeleteCorsConfiguration";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::DELETE, format_args!("apis/{}/cors", self.api_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let named = Named { api: &self.api_id, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.config().api.cors = None;
            Ok(())
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| ())))
    }
}
