use eddy_base::Fault;
use serde::Deserialize;

use crate::{Cx, Needs, Operation, Reply};

/// Removes a role that has no policies any more.
#[derive(Deserialize)]
pub(super) struct DeleteRole {
    role_name: String,
}

impl Operation for DeleteRole {
    const NAME: &'static str = "DeleteRole";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:DeleteRole", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        Ok(Reply::after(cx.engines.identity.delete_role(cx.account(), &self.role_name).await?))
    }
}
