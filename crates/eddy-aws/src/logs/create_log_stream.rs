use eddy_base::Fault;
use serde::Deserialize;

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Makes a stream in a group.
#[derive(Deserialize)]
pub(super) struct CreateLogStream {
    log_group_name: String,
    log_stream_name: String,
}

impl Operation for CreateLogStream {
    const NAME: &'static str = "CreateLogStream";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        let (group, stream) = (Some(self.log_group_name.as_str()), &self.log_stream_name);
        target::on_stream(cx, "logs:CreateLogStream", group, None, stream)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let logs = cx.engines.telemetry.logs();
        Ok(Reply::after(logs.create_stream(&cx.scope, &self.log_group_name, &self.log_stream_name).await?))
    }
}
