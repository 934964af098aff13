use eddy_base::Fault;
use serde::Deserialize;

use super::page::{self, Asked};
use super::shape::{ApiShape, Items};
use crate::{Cx, Needs, Operation, Reply};

/// The HTTP APIs of the account in the region, by id.
#[derive(Deserialize)]
pub(super) struct GetApis {
    max_results: Option<String>,
    next_token: Option<String>,
}

impl Operation for GetApis {
    const NAME: &'static str = "GetApis";
    type Output = Items<ApiShape>;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, "apis")
    }

    async fn call(self, cx: Cx) -> Result<Reply<Items<ApiShape>>, Fault> {
        let asked = Asked::new(self.max_results.as_deref(), self.next_token.as_deref())?;
        let page = cx.engines.gateway.list(&cx.scope, asked.after.as_deref(), asked.items_max)?;
        let last = page.apis.last().filter(|_| page.more);
        let next_token = last.map(|api| page::token(&api.id));
        let items = page.apis.into_iter().map(|api| ApiShape::new(&cx, api)).collect();
        Ok(Reply::read(Items { items, next_token }, page.pos))
    }
}
