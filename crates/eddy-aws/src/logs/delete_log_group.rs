use eddy_base::Fault;
use serde::Deserialize;

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Deletes a group with all its streams and events.
#[derive(Deserialize)]
pub(super) struct DeleteLogGroup {
    log_group_name: String,
}

impl Operation for DeleteLogGroup {
    const NAME: &'static str = "DeleteLogGroup";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:DeleteLogGroup", Some(&self.log_group_name), None)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let logs = cx.engines.telemetry.logs();
        Ok(Reply::after(logs.delete_group(&cx.scope, &self.log_group_name).await?))
    }
}
