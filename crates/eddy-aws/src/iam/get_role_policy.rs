use eddy_base::{Code, Fault, Subject};
use serde::{Deserialize, Serialize};

use super::document;
use crate::{Cx, Needs, Operation, Reply};

/// One inline policy of a role.
#[derive(Deserialize)]
pub(super) struct GetRolePolicy {
    role_name: String,
    policy_name: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

impl Operation for GetRolePolicy {
    const NAME: &'static str = "GetRolePolicy";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:GetRolePolicy", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (role, pos) = cx.engines.identity.role(cx.account(), &self.role_name)?;
        let text = role.inline.get(&self.policy_name).ok_or_else(|| missing(&self.policy_name))?;
        let policy_document = document::encoded(text);
        let output = Output { role_name: role.name, policy_name: self.policy_name, policy_document };
        Ok(Reply::read(output, pos))
    }
}

/// There is no inline policy of this name.
pub(super) fn missing(name: &str) -> Fault {
    Fault::new(Code::Missing, Subject::Policy, format!("The role policy with name {name} cannot be found."))
}
