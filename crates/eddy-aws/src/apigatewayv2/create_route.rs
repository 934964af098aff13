use eddy_base::{Code, Fault, Subject};
use eddy_gateway::route::Key;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::input;
use super::shape::RouteShape;
use crate::{Cx, Needs, Operation, Reply};

/// Adds a route. Stages that deploy by themselves serve it with the answer.
#[derive(Deserialize)]
pub(super) struct CreateRoute {
    api_id: String,
    operation_name: Option<String>,
    route_key: String,
    target: Option<String>,
}

impl Operation for CreateRoute {
    const NAME: &'static str = "CreateRoute";
    type Output = RouteShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::POST, format_args!("apis/{}/routes", self.api_id))
    }

    async fn check(&self, cx: &Cx) -> Result<(), Fault> {
        self.target.as_deref().map(input::target).transpose()?;
        if self.route_key.parse::<Key>().is_err() {
            let fault = Fault::new(Code::Invalid, Subject::Route, "the route key is malformed");
            return Err(worded(cx, Named::default(), fault));
        }
        Ok(())
    }

    async fn call(self, cx: Cx) -> Result<Reply<RouteShape>, Fault> {
        let integration = self.target.as_deref().map(input::target).transpose()?;
        let operation = self.operation_name.as_deref();
        if let Some(operation) = operation {
            input::text(operation, "operation name", 1..=64)?;
        }
        let named = Named {
            api: &self.api_id,
            route_key: &self.route_key,
            integration: integration.unwrap_or_default(),
            ..Named::default()
        };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.add_route(&self.route_key, integration, operation, false)
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(_, route)| route.into())))
    }
}
