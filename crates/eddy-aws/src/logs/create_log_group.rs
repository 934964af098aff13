use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_telemetry::logs::Settings;
use serde::Deserialize;

use super::{tags, target};
use crate::{Cx, Needs, Operation, Reply};

/// Makes a group that keeps its events for ever.
#[derive(Deserialize)]
pub(super) struct CreateLogGroup {
    log_group_name: String,
    tags: Option<BTreeMap<String, String>>,
}

impl Operation for CreateLogGroup {
    const NAME: &'static str = "CreateLogGroup";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        let needs = target::on_group(cx, "logs:CreateLogGroup", Some(&self.log_group_name), None);
        if self.tags.is_none() {
            return needs;
        }
        let arn = target::arn(&cx.scope, &self.log_group_name);
        needs.and("logs:TagResource", format!("{arn}:log-stream:"))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        if self.log_group_name.to_ascii_lowercase().starts_with("aws/") {
            return Err(Fault::invalid("Log groups starting with AWS/ are reserved for AWS."));
        }
        Ok(())
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        self.check(&cx).await?;
        let mut settings = Settings::default();
        tags::add(&mut settings.tags, &self.tags.unwrap_or_default())?;
        let logs = cx.engines.telemetry.logs();
        Ok(Reply::after(logs.create_group(&cx.scope, &self.log_group_name, settings).await?))
    }
}
