use eddy_base::{Code, Fault, Subject};
use eddy_identity::limits::ATTACHED_POLICIES_MAX;
use serde::Deserialize;

use super::amazon;
use crate::{Cx, Needs, Operation, Reply};

/// Attaches a managed policy to a role. Only Amazon's own can be: others cannot be made here yet.
#[derive(Deserialize)]
pub(super) struct AttachRolePolicy {
    role_name: String,
    policy_arn: String,
}

impl Operation for AttachRolePolicy {
    const NAME: &'static str = "AttachRolePolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:AttachRolePolicy", &self.role_name)
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        if !amazon::may_be(&self.policy_arn) {
            let text = format!("Policy {} does not exist or is not attachable.", self.policy_arn);
            return Err(Fault::new(Code::Missing, Subject::Policy, text));
        }
        Ok(())
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        self.check(&cx).await?;
        let change = |role: &mut eddy_identity::Role| {
            if role.attached.contains(&self.policy_arn) {
                return Ok(());
            }
            if role.attached.len() >= ATTACHED_POLICIES_MAX {
                let text = format!("Cannot exceed quota for PoliciesPerRole: {ATTACHED_POLICIES_MAX}");
                return Err(Fault::new(Code::LimitExceeded, Subject::Policy, text));
            }
            role.attached.push(self.policy_arn.clone());
            Ok(())
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
