use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::page;
use super::shape::RoleShape;
use crate::{Cx, Needs, Operation, Reply, page_token};

/// Roles whose path starts with a prefix, in the order of their names.
#[derive(Deserialize)]
pub(super) struct ListRoles {
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Output {
    roles: Vec<RoleShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListRoles {
    const NAME: &'static str = "ListRoles";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        Needs::one("iam:ListRoles", format!("arn:aws:iam::{}:role{prefix}", cx.account()))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        let wanted = page::wanted(self.max_items);
        let after = page::after(self.marker.as_deref())?;
        let page = cx.engines.identity.roles(cx.account(), prefix, after.as_deref(), wanted)?;
        let output = Output {
            roles: page.roles.into_iter().map(|role| RoleShape::short(cx.account(), role)).collect(),
            is_truncated: page.next.is_some(),
            marker: page.next.as_deref().map(page_token::write),
        };
        Ok(Reply::read(output, page.pos))
    }
}
