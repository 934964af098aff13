use eddy_base::Fault;
use serde::Deserialize;

use crate::{Cx, Needs, Operation, Reply};

/// Changes what is said about a role, and how long its sessions may be.
#[derive(Deserialize)]
pub(super) struct UpdateRole {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
}

impl Operation for UpdateRole {
    const NAME: &'static str = "UpdateRole";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:UpdateRole", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let change = |role: &mut eddy_identity::Role| {
            if let Some(text) = &self.description {
                role.description = Some(text.clone()).filter(|text| !text.is_empty());
            }
            role.session_seconds_max = self.max_session_duration.unwrap_or(role.session_seconds_max);
            Ok(())
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
