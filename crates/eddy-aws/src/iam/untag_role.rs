use eddy_base::Fault;
use serde::Deserialize;

use crate::{Cx, Needs, Operation, Reply};

/// Takes tags off a role. Keys that it does not have are no error.
#[derive(Deserialize)]
pub(super) struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagRole {
    const NAME: &'static str = "UntagRole";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:UntagRole", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let change = |role: &mut eddy_identity::Role| {
            role.tags.retain(|known, _| !self.tag_keys.iter().any(|key| key.eq_ignore_ascii_case(known)));
            Ok(())
        };
        Ok(Reply::after(cx.engines.identity.change_role(cx.account(), &self.role_name, change).await?))
    }
}
