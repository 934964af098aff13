use eddy_base::Fault;
use serde::Deserialize;

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Lets a group keep its events for ever again.
#[derive(Deserialize)]
pub(super) struct DeleteRetentionPolicy {
    log_group_name: String,
}

impl Operation for DeleteRetentionPolicy {
    const NAME: &'static str = "DeleteRetentionPolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:DeleteRetentionPolicy", Some(&self.log_group_name), None)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let change = |settings: &mut eddy_telemetry::logs::Settings| {
            settings.retention_days = None;
            Ok(())
        };
        let logs = cx.engines.telemetry.logs();
        Ok(Reply::after(logs.change_group(&cx.scope, &self.log_group_name, change).await?))
    }
}
