use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::shape::RoleShape;
use crate::{Cx, Needs, Operation, Reply};

/// Changes what is said about a role. UpdateRole does so too; Terraform calls this one.
#[derive(Deserialize)]
pub(super) struct UpdateRoleDescription {
    role_name: String,
    description: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    role: RoleShape,
}

impl Operation for UpdateRoleDescription {
    const NAME: &'static str = "UpdateRoleDescription";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:UpdateRoleDescription", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let change = |role: &mut eddy_identity::Role| {
            role.description = Some(self.description.clone()).filter(|text| !text.is_empty());
            Ok(role.clone())
        };
        let changed = cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?;
        Ok(Reply::after(changed.map(|role| Output { role: RoleShape::full(cx.account(), role) })))
    }
}
