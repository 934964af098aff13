use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use super::fault::{Named, worded};
use super::shape::RouteShape;
use crate::{Cx, Needs, Operation, Reply};

/// One route.
#[derive(Deserialize)]
pub(super) struct GetRoute {
    api_id: String,
    route_id: String,
}

impl Operation for GetRoute {
    const NAME: &'static str = "GetRoute";
    type Output = RouteShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("apis/{}/routes/{}", self.api_id, self.route_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<RouteShape>, Fault> {
        let named = Named { api: &self.api_id, route: &self.route_id, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, &self.api_id);
        let (mut config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        let Some(route) = config.routes.remove(&self.route_id) else {
            return Err(worded(&cx, named, Fault::new(Code::Missing, Subject::Route, "")));
        };
        Ok(Reply::read(route.into(), pos))
    }
}
