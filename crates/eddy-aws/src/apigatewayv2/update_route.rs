use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::input;
use super::shape::RouteShape;
use crate::{Cx, Needs, Operation, Reply};

/// Changes a route; its id stays.
#[derive(Deserialize)]
pub(super) struct UpdateRoute {
    api_id: String,
    operation_name: Option<String>,
    route_id: String,
    route_key: Option<String>,
    target: Option<String>,
}

impl Operation for UpdateRoute {
    const NAME: &'static str = "UpdateRoute";
    type Output = RouteShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PATCH, format_args!("apis/{}/routes/{}", self.api_id, self.route_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<RouteShape>, Fault> {
        let integration = self.target.as_deref().map(input::target).transpose()?;
        if let Some(operation) = &self.operation_name {
            input::text(operation, "operation name", 1..=64)?;
        }
        let named = Named {
            api: &self.api_id,
            route: &self.route_id,
            route_key: self.route_key.as_deref().unwrap_or_default(),
            integration: integration.unwrap_or_default(),
            ..Named::default()
        };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.change_route(&self.route_id, |route| {
                if let Some(key) = &self.route_key {
                    route.key.clone_from(key);
                }
                if let Some(integration) = integration {
                    route.integration = Some(integration.to_owned());
                }
                if self.operation_name.is_some() {
                    route.operation.clone_from(&self.operation_name);
                }
            })
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(_, route)| route.into())))
    }
}
