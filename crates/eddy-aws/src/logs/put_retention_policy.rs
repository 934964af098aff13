use eddy_base::Fault;
use serde::Deserialize;

use super::limits::RETENTION_DAYS;
use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Sets for how many days a group shows its events.
#[derive(Deserialize)]
pub(super) struct PutRetentionPolicy {
    log_group_name: String,
    retention_in_days: i64,
}

impl Operation for PutRetentionPolicy {
    const NAME: &'static str = "PutRetentionPolicy";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:PutRetentionPolicy", Some(&self.log_group_name), None)
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        allowed(self.retention_in_days).map(drop)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let days = allowed(self.retention_in_days)?;
        let change = |settings: &mut eddy_telemetry::logs::Settings| {
            settings.retention_days = Some(days);
            Ok(())
        };
        let logs = cx.engines.telemetry.logs();
        Ok(Reply::after(logs.change_group(&cx.scope, &self.log_group_name, change).await?))
    }
}

fn allowed(days: i64) -> Result<u32, Fault> {
    let found = RETENTION_DAYS.into_iter().find(|allowed| i64::from(*allowed) == days);
    found.ok_or_else(|| not_allowed(days))
}

fn not_allowed(days: i64) -> Fault {
    let allowed = RETENTION_DAYS.map(|days| days.to_string()).join(", ");
    Fault::invalid(format!(
        "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
         Member must satisfy enum value set: [{allowed}]"
    ))
}
