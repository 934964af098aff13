use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::page::page;
use super::shape::{Tag, tags};
use crate::{Cx, Needs, Operation, Reply};

/// The tags of a role.
#[derive(Deserialize)]
pub(super) struct ListRoleTags {
    role_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Output {
    tags: Vec<Tag>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListRoleTags {
    const NAME: &'static str = "ListRoleTags";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:ListRoleTags", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (role, pos) = cx.engines.identity.role(cx.account(), &self.role_name)?;
        let page = page(tags(&role), |tag| &tag.key, self.marker.as_deref(), self.max_items)?;
        let is_truncated = page.marker.is_some();
        Ok(Reply::read(Output { tags: page.items, is_truncated, marker: page.marker }, pos))
    }
}
