use eddy_base::{Code, Fault};
use eddy_gateway::{Cors, limits};
use serde::Deserialize;

use super::fault::{Named, bad, worded};
use super::input::{self, CorsShape};
use super::shape::ApiShape;
use crate::{Cx, Needs, Operation, Reply};

/// Changes an API; and what it was made with, where it was made with a target.
#[derive(Deserialize)]
pub(super) struct UpdateApi {
    api_id: String,
    cors_configuration: Option<CorsShape>,
    description: Option<String>,
    disable_execute_api_endpoint: Option<bool>,
    name: Option<String>,
    route_key: Option<String>,
    target: Option<String>,
    version: Option<String>,
}

impl Operation for UpdateApi {
    const NAME: &'static str = "UpdateApi";
    type Output = ApiShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PATCH, format_args!("apis/{}", self.api_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<ApiShape>, Fault> {
        if let Some(name) = &self.name {
            input::text(name, "API name", 1..=limits::API_NAME_CHARS_MAX)?;
        }
        input::text(self.version.as_deref().unwrap_or_default(), "version", 0..=64)?;
        input::description(self.description.as_deref())?;
        self.target.as_deref().map(input::uri).transpose()?;
        let cors = self.cors_configuration.map(Cors::try_from).transpose()?;
        let named = Named {
            api: &self.api_id,
            route_key: self.route_key.as_deref().unwrap_or_default(),
            ..Named::default()
        };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            let api = &mut edit.config().api;
            if let Some(name) = &self.name {
                api.name.clone_from(name);
            }
            if cors.is_some() {
                api.cors.clone_from(&cors);
            }
            if let Some(disabled) = self.disable_execute_api_endpoint {
                api.disabled = disabled;
            }
            if self.description.is_some() {
                api.description.clone_from(&self.description);
            }
            if self.version.is_some() {
                api.version.clone_from(&self.version);
            }
            edit.change_managed(self.route_key.as_deref(), self.target.as_deref()).map_err(not_quick)
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(config, ())| ApiShape::new(&cx, config.api))))
    }
}

fn not_quick(fault: Fault) -> Fault {
    match fault.code {
        Code::Missing => bad("Only an API that was made with a target has one that can be changed"),
        _ => fault,
    }
}
