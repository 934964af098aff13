use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::page::page;
use crate::{Cx, Needs, Operation, Reply};

/// The names of a role's inline policies.
#[derive(Deserialize)]
pub(super) struct ListRolePolicies {
    role_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Output {
    policy_names: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListRolePolicies {
    const NAME: &'static str = "ListRolePolicies";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:ListRolePolicies", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (role, pos) = cx.engines.identity.role(cx.account(), &self.role_name)?;
        let page = page(role.inline.into_keys(), |name| name, self.marker.as_deref(), self.max_items)?;
        let is_truncated = page.marker.is_some();
        Ok(Reply::read(Output { policy_names: page.items, is_truncated, marker: page.marker }, pos))
    }
}
