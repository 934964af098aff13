use eddy_base::Fault;
use serde::Deserialize;

use super::get_role_policy::missing;
use crate::{Cx, Needs, Operation, Reply};

/// Removes an inline policy of a role.
#[derive(Deserialize)]
pub(super) struct DeleteRolePolicy {
    role_name: String,
    policy_name: String,
}

impl Operation for DeleteRolePolicy {
    const NAME: &'static str = "DeleteRolePolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:DeleteRolePolicy", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let change = |role: &mut eddy_identity::Role| {
            role.inline.remove(&self.policy_name).map(|_| ()).ok_or_else(|| missing(&self.policy_name))
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
