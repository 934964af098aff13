use eddy_base::{Code, Fault, Subject};
use eddy_identity::limits::INLINE_POLICIES_CHARACTERS_MAX;
use serde::Deserialize;

use super::document;
use crate::{Cx, Needs, Operation, Reply};

/// Puts an inline policy on a role, over the one of that name.
#[derive(Deserialize)]
pub(super) struct PutRolePolicy {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

impl Operation for PutRolePolicy {
    const NAME: &'static str = "PutRolePolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:PutRolePolicy", &self.role_name)
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        document::check_policy(&self.policy_document)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        self.check(&cx).await?;
        let change = |role: &mut eddy_identity::Role| {
            role.inline.insert(self.policy_name.clone(), self.policy_document.clone());
            let characters: usize = role.inline.values().map(|text| document::characters(text)).sum();
            if characters <= INLINE_POLICIES_CHARACTERS_MAX {
                return Ok(());
            }
            let text = format!(
                "Maximum policy size of {INLINE_POLICIES_CHARACTERS_MAX} bytes exceeded for role {}",
                self.role_name
            );
            Err(Fault::new(Code::LimitExceeded, Subject::Policy, text))
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
