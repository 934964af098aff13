use eddy_base::Fault;
use serde::Deserialize;

use super::create_integration::{kind, method};
use super::fault::{Named, worded};
use super::input;
use super::shape::IntegrationShape;
use crate::{Cx, Needs, Operation, Reply};

/// Changes an integration; its id stays.
#[derive(Deserialize)]
pub(super) struct UpdateIntegration {
    api_id: String,
    description: Option<String>,
    integration_id: String,
    integration_method: Option<String>,
    integration_type: Option<String>,
    integration_uri: Option<String>,
    payload_format_version: Option<String>,
    timeout_in_millis: Option<i64>,
}

impl Operation for UpdateIntegration {
    const NAME: &'static str = "UpdateIntegration";
    type Output = IntegrationShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PATCH, format_args!("apis/{}/integrations/{}", self.api_id, self.integration_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<IntegrationShape>, Fault> {
        self.integration_type.as_deref().map(kind).transpose()?;
        self.integration_uri.as_deref().map(input::uri).transpose()?;
        input::description(self.description.as_deref())?;
        let format = self.payload_format_version.as_deref().map(input::format).transpose()?;
        let timeout = self.timeout_in_millis.map(input::timeout).transpose()?;
        let method = method(self.integration_method)?;
        let named = Named { api: &self.api_id, integration: &self.integration_id, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            edit.change_integration(&self.integration_id, |integration| {
                if let Some(uri) = &self.integration_uri {
                    integration.uri.clone_from(uri);
                }
                integration.format = format.unwrap_or(integration.format);
                integration.timeout_millis = timeout.unwrap_or(integration.timeout_millis);
                if self.description.is_some() {
                    integration.description.clone_from(&self.description);
                }
                if method.is_some() {
                    integration.method.clone_from(&method);
                }
            })
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|(_, integration)| integration.into())))
    }
}
