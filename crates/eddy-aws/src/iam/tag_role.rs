use eddy_base::Fault;
use serde::Deserialize;

use super::shape::{Tag, add_tags};
use crate::{Cx, Needs, Operation, Reply};

/// Puts tags on a role, over those of the same key.
#[derive(Deserialize)]
pub(super) struct TagRole {
    role_name: String,
    tags: Vec<Tag>,
}

impl Operation for TagRole {
    const NAME: &'static str = "TagRole";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:TagRole", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let change = |role: &mut eddy_identity::Role| add_tags(&mut role.tags, &self.tags);
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
