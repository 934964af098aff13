use std::collections::BTreeMap;

use eddy_base::{Code, Fault};
use serde::Deserialize;

use super::{tags, target};
use crate::{Cx, Needs, Operation, Reply};

/// Puts tags on a group, over those of the same key.
#[derive(Deserialize)]
pub(super) struct TagResource {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_arn(cx, "logs:TagResource", &self.resource_arn)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let group = target::from_arn(&self.resource_arn)?;
        let logs = cx.engines.telemetry.logs();
        let change = |settings: &mut eddy_telemetry::logs::Settings| {
            tags::add(&mut settings.tags, &self.tags).map_err(|fault| match fault.code {
                Code::LimitExceeded => {
                    fault.named("TooManyTagsException").with("resourceName", &self.resource_arn)
                }
                _ => fault,
            })
        };
        Ok(Reply::after(logs.change_group(&group.scope, &group.name, change).await?))
    }
}
