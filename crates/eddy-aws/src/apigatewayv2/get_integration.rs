use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use super::fault::{Named, worded};
use super::shape::IntegrationShape;
use crate::{Cx, Needs, Operation, Reply};

/// One integration.
#[derive(Deserialize)]
pub(super) struct GetIntegration {
    api_id: String,
    integration_id: String,
}

impl Operation for GetIntegration {
    const NAME: &'static str = "GetIntegration";
    type Output = IntegrationShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("apis/{}/integrations/{}", self.api_id, self.integration_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<IntegrationShape>, Fault> {
        let named = Named { api: &self.api_id, integration: &self.integration_id, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, &self.api_id);
        let (mut config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        let Some(integration) = config.integrations.remove(&self.integration_id) else {
            return Err(worded(&cx, named, Fault::new(Code::Missing, Subject::Integration, "")));
        };
        Ok(Reply::read(integration.into(), pos))
    }
}
