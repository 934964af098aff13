use eddy_base::Fault;
use serde::Deserialize;

use super::document;
use crate::{Cx, Needs, Operation, Reply};

/// Replaces a role's trust policy.
#[derive(Deserialize)]
pub(super) struct UpdateAssumeRolePolicy {
    role_name: String,
    policy_document: String,
}

impl Operation for UpdateAssumeRolePolicy {
    const NAME: &'static str = "UpdateAssumeRolePolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:UpdateAssumeRolePolicy", &self.role_name)
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        document::check_trust(&self.policy_document)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        self.check(&cx).await?;
        let change = |role: &mut eddy_identity::Role| {
            role.trust.clone_from(&self.policy_document);
            Ok(())
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
