use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::page::page;
use crate::{Cx, Needs, Operation, Reply};

/// The managed policies of a role, by their ARNs.
#[derive(Deserialize)]
pub(super) struct ListAttachedRolePolicies {
    role_name: String,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Output {
    attached_policies: Vec<AttachedPolicy>,
    is_truncated: bool,
    marker: Option<String>,
}

#[derive(Serialize)]
struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

impl Operation for ListAttachedRolePolicies {
    const NAME: &'static str = "ListAttachedRolePolicies";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on_role(cx, "iam:ListAttachedRolePolicies", &self.role_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (mut role, pos) = cx.engines.identity.role(cx.account(), &self.role_name)?;
        role.attached.sort();
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        let below = role.attached.into_iter().filter(|arn| path(arn).starts_with(prefix));
        let page = page(below, |arn| arn, self.marker.as_deref(), self.max_items)?;
        let is_truncated = page.marker.is_some();
        let attached_policies = page.items.into_iter().map(|arn| AttachedPolicy {
            policy_name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            policy_arn: arn,
        });
        let attached_policies = attached_policies.collect();
        Ok(Reply::read(Output { attached_policies, is_truncated, marker: page.marker }, pos))
    }
}

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`.
fn path(arn: &str) -> &str {
    let rest = arn.split_once(":policy").map_or("/", |(_, rest)| rest);
    rest.rfind('/').map_or("/", |at| &rest[..=at])
}
