use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::shape::RoleShape;
use crate::{Cx, Needs, Operation, Reply};

/// One role.
#[derive(Deserialize)]
pub(super) struct GetRole {
    role_name: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    role: RoleShape,
}

impl Operation for GetRole {
    const NAME: &'static str = "GetRole";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:GetRole", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (role, pos) = cx.engines.identity.role(cx.account(), &self.role_name)?;
        Ok(Reply::read(Output { role: RoleShape::full(cx.account(), role) }, pos))
    }
}
