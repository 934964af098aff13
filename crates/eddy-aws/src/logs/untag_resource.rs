use eddy_base::Fault;
use serde::Deserialize;

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Takes tags off a group.
#[derive(Deserialize)]
pub(super) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_arn(cx, "logs:UntagResource", &self.resource_arn)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let group = target::from_arn(&self.resource_arn)?;
        let logs = cx.engines.telemetry.logs();
        let change = |settings: &mut eddy_telemetry::logs::Settings| {
            settings.tags.retain(|key, _| !self.tag_keys.contains(key));
            Ok(())
        };
        Ok(Reply::after(logs.change_group(&group.scope, &group.name, change).await?))
    }
}
