use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::page::Asked;
use super::shape::{IntegrationShape, Items};
use crate::{Cx, Needs, Operation, Reply};

/// The integrations of an API.
#[derive(Deserialize)]
pub(super) struct GetIntegrations {
    api_id: String,
    max_results: Option<String>,
    next_token: Option<String>,
}

impl Operation for GetIntegrations {
    const NAME: &'static str = "GetIntegrations";
    type Output = Items<IntegrationShape>;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("apis/{}/integrations", self.api_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Items<IntegrationShape>>, Fault> {
        let asked = Asked::new(self.max_results.as_deref(), self.next_token.as_deref())?;
        let named = Named { api: &self.api_id, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, &self.api_id);
        let (config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        let (page, next_token) = asked.of(&config.integrations);
        let items = page.into_iter().cloned().map(IntegrationShape::from).collect();
        Ok(Reply::read(Items { items, next_token }, pos))
    }
}
