use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use crate::{Cx, Needs, Operation, Reply};

/// Detaches a managed policy from a role.
#[derive(Deserialize)]
pub(super) struct DetachRolePolicy {
    role_name: String,
    policy_arn: String,
}

impl Operation for DetachRolePolicy {
    const NAME: &'static str = "DetachRolePolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:DetachRolePolicy", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let change = |role: &mut eddy_identity::Role| {
            let Some(at) = role.attached.iter().position(|arn| *arn == self.policy_arn) else {
                let text = format!("Policy {} was not found.", self.policy_arn);
                return Err(Fault::new(Code::Missing, Subject::Policy, text));
            };
            role.attached.remove(at);
            Ok(())
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
