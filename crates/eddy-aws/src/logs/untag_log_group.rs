use eddy_base::Fault;
use serde::Deserialize;

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Takes tags off a group. The older form of UntagResource.
#[derive(Deserialize)]
pub(super) struct UntagLogGroup {
    log_group_name: String,
    tags: Vec<String>,
}

impl Operation for UntagLogGroup {
    const NAME: &'static str = "UntagLogGroup";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:UntagLogGroup", Some(&self.log_group_name), None)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let logs = cx.engines.telemetry.logs();
        let change = |settings: &mut eddy_telemetry::logs::Settings| {
            settings.tags.retain(|key, _| !self.tags.contains(key));
            Ok(())
        };
        Ok(Reply::after(logs.change_group(&cx.scope, &self.log_group_name, change).await?))
    }
}
