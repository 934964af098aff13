use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::Deserialize;

use super::{tags, target};
use crate::{Cx, Needs, Operation, Reply};

/// Puts tags on a group, over those of the same key. The older form of TagResource.
#[derive(Deserialize)]
pub(super) struct TagLogGroup {
    log_group_name: String,
    tags: BTreeMap<String, String>,
}

impl Operation for TagLogGroup {
    const NAME: &'static str = "TagLogGroup";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:TagLogGroup", Some(&self.log_group_name), None)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let logs = cx.engines.telemetry.logs();
        let change = |settings: &mut eddy_telemetry::logs::Settings| {
            tags::add(&mut settings.tags, &self.tags)
                .map_err(|fault| fault.named("InvalidParameterException"))
        };
        Ok(Reply::after(logs.change_group(&cx.scope, &self.log_group_name, change).await?))
    }
}
