use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use crate::{Cx, Needs, Operation, Reply};

/// The instance profiles that hold a role: none, since there are no instances here. Terraform asks before it
/// deletes a role.
#[derive(Deserialize)]
pub(super) struct ListInstanceProfilesForRole {
    role_name: String,
    #[serde(rename = "marker")]
    _marker: Option<String>,
    #[serde(rename = "max_items")]
    _max_items: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Output {
    instance_profiles: [(); 0],
    is_truncated: bool,
}

impl Operation for ListInstanceProfilesForRole {
    const NAME: &'static str = "ListInstanceProfilesForRole";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:ListInstanceProfilesForRole", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (_, pos) = cx.engines.identity.role(cx.account(), &self.role_name)?;
        Ok(Reply::read(Output { instance_profiles: [], is_truncated: false }, pos))
    }
}
