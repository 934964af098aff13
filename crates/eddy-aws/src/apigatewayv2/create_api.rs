use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_gateway::route::Key;
use eddy_gateway::{Cors, Format, NewApi, NewIntegration, limits};
use serde::Deserialize;

use super::fault::{Named, bad, worded};
use super::input::{self, CorsShape};
use super::shape::ApiShape;
use crate::{Cx, Needs, Operation, Reply};

/// Makes an HTTP API; with a target also its route, integration and stage, so that it answers at once.
#[derive(Deserialize)]
pub(super) struct CreateApi {
    name: String,
    protocol_type: String,
    cors_configuration: Option<CorsShape>,
    description: Option<String>,
    disable_execute_api_endpoint: Option<bool>,
    route_key: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    target: Option<String>,
    version: Option<String>,
}

impl Operation for CreateApi {
    const NAME: &'static str = "CreateApi";
    type Output = ApiShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::POST, "apis")
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        if self.protocol_type != "HTTP" {
            return Err(Fault::unsupported(format!(
                "The value {} of the parameter ProtocolType is not supported by eddy.",
                self.protocol_type
            )));
        }
        self.cors_configuration.clone().map(Cors::try_from).transpose().map(drop)
    }

    async fn call(self, cx: Cx) -> Result<Reply<ApiShape>, Fault> {
        self.check(&cx).await?;
        input::text(&self.name, "API name", 1..=limits::API_NAME_CHARS_MAX)?;
        input::text(self.version.as_deref().unwrap_or_default(), "version", 0..=64)?;
        input::description(self.description.as_deref())?;
        if self.target.is_none() && self.route_key.is_some() {
            return Err(bad("A route key can only be given together with a target"));
        }
        if let Some(target) = &self.target {
            input::uri(target)?;
        }
        let new = NewApi {
            name: self.name,
            description: self.description,
            version: self.version,
            cors: self.cors_configuration.map(Cors::try_from).transpose()?,
            tags: input::tags(self.tags)?,
            disabled: self.disable_execute_api_endpoint.unwrap_or(false),
        };
        let key = self.route_key.as_deref().unwrap_or(Key::DEFAULT);
        let made = cx.engines.gateway.create(&cx.scope, new, |edit| match &self.target {
            Some(target) => edit.add_managed(key, quick(target)),
            None => Ok(()),
        });
        let named = Named { route_key: key, ..Named::default() };
        let made = made.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(made.map(|config| ApiShape::new(&cx, config.api))))
    }
}

/// The integration that an API is made with.
fn quick(target: &str) -> NewIntegration {
    NewIntegration {
        uri: target.to_owned(),
        format: Format::Two,
        timeout_millis: u32::try_from(limits::TIMEOUT_MAX.as_millis()).expect("30,000 is a small number"),
        description: None,
        method: None,
        managed: true,
    }
}
