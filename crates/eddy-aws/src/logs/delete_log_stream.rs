use eddy_base::Fault;
use serde::Deserialize;

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Deletes a stream with its events.
#[derive(Deserialize)]
pub(super) struct DeleteLogStream {
    log_group_name: String,
    log_stream_name: String,
}

impl Operation for DeleteLogStream {
    const NAME: &'static str = "DeleteLogStream";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        let (group, stream) = (Some(self.log_group_name.as_str()), &self.log_stream_name);
        target::on_stream(cx, "logs:DeleteLogStream", group, None, stream)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let logs = cx.engines.telemetry.logs();
        Ok(Reply::after(logs.delete_stream(&cx.scope, &self.log_group_name, &self.log_stream_name).await?))
    }
}
