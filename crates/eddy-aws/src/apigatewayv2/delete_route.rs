use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use crate::{Cx, Needs, Operation, Reply};

/// Removes a route.
#[derive(Deserialize)]
pub(super) struct DeleteRoute {
    api_id: String,
    route_id: String,
}

impl Operation for DeleteRoute {
    const NAME: &'static str = "DeleteRoute";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::DELETE, format_args!("apis/{}/routes/{}", self.api_id, self.route_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let named = Named { api: &self.api_id, route: &self.route_id, ..Named::default() };
        let change =
            cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| edit.remove_route(&self.route_id));
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| ())))
    }
}
