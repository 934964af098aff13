use eddy_base::Fault;
use serde::Deserialize;

use super::event_invoke_config::EventInvokeConfig;
use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// How asynchronous invocations are tried again, if it was ever set.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunctionEventInvokeConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
}

impl Operation for GetFunctionEventInvokeConfig {
    const NAME: &'static str = "GetFunctionEventInvokeConfig";
    type Output = EventInvokeConfig;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunctionEventInvokeConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<EventInvokeConfig>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let found = cx.engines.functions.retry(&place.scope, &place.name);
        let (retry, pos) = found.map_err(about(&place))?;
        Ok(Reply::read(EventInvokeConfig::new(&place, retry), pos))
    }
}
