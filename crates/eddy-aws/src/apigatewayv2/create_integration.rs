use eddy_base::Fault;
use eddy_gateway::{NewIntegration, limits};
use serde::Deserialize;

use super::fault::{Named, bad, worded};
use super::input;
use super::shape::IntegrationShape;
use crate::{Cx, Needs, Operation, Reply};

/// Adds a function that routes can lead to.
#[derive(Deserialize)]
pub(super) struct CreateIntegration {
    api_id: String,
    description: Option<String>,
    integration_method: Option<String>,
    integration_type: String,
    integration_uri: Option<String>,
    payload_format_version: Option<String>,
    timeout_in_millis: Option<i64>,
}

impl Operation for CreateIntegration {
    const NAME: &'static str = "CreateIntegration";
    type Output = IntegrationShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::POST, format_args!("apis/{}/integrations", self.api_id))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        kind(&self.integration_type)?;
        self.integration_uri.as_deref().map_or(Ok(()), input::uri)?;
        self.payload_format_version.as_deref().map(input::format).transpose()?;
        self.timeout_in_millis.map(input::timeout).transpose()?;
        input::description(self.description.as_deref())
    }

    async fn call(self, cx: Cx) -> Result<Reply<IntegrationShape>, Fault> {
        kind(&self.integration_type)?;
        input::description(self.description.as_deref())?;
        let uri = self
            .integration_uri
            .ok_or_else(|| bad("IntegrationUri is required for AWS_PROXY integrations"))?;
        input::uri(&uri)?;
        let version = self.payload_format_version;
        let version =
            version.ok_or_else(|| bad("PayloadFormatVersion is a required parameter for integration"))?;
        let timeout = u32::try_from(limits::TIMEOUT_MAX.as_millis()).expect("30,000 is a small number");
        let new = NewIntegration {
            uri,
            format: input::format(&version)?,
            timeout_millis: self.timeout_in_millis.map_or(Ok(timeout), input::timeout)?,
            description: self.description,
            method: method(self.integration_method)?,
            managed: false,
        };
        let named = Named { api: &self.api_id, ..Named::default() };
        let change =
            cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| edit.add_integration(new.clone()));
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(_, integration)| integration.into())))
    }
}

/// Only functions stand behind HTTP APIs here.
pub(super) fn kind(kind: &str) -> Result<(), Fault> {
    if kind == "AWS_PROXY" {
        return Ok(());
    }
    let text = format!("The value {kind} of the parameter IntegrationType is not supported by eddy.");
    Err(Fault::unsupported(text))
}

/// A function is always called with POST; what a client says instead is kept and has no effect, as on AWS.
pub(super) fn method(method: Option<String>) -> Result<Option<String>, Fault> {
    match &method {
        Some(name) if http::Method::from_bytes(name.as_bytes()).is_err() => {
            Err(bad(format!("Invalid HTTP method {name}")))
        }
        Some(_) | None => Ok(method),
    }
}
