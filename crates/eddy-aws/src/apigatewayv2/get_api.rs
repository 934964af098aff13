use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::shape::ApiShape;
use crate::{Cx, Needs, Operation, Reply};

/// One API.
#[derive(Deserialize)]
pub(super) struct GetApi {
    api_id: String,
}

impl Operation for GetApi {
    const NAME: &'static str = "GetApi";
    type Output = ApiShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("apis/{}", self.api_id))
    }

    async fn call(self, cx: Cx) -> Result<Reply<ApiShape>, Fault> {
        let named = Named { api: &self.api_id, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, &self.api_id);
        let (config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::read(ApiShape::new(&cx, config.api), pos))
    }
}
