use eddy_base::{Code, Fault};
use serde::{Deserialize, Serialize};

use super::event_invoke_config::EventInvokeConfig;
use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// The configurations of a function's versions: one or none. So there is never a second page.
#[derive(Debug, Deserialize)]
pub(super) struct ListFunctionEventInvokeConfigs {
    function_name: FunctionName,
    /// Read, so that tools may send it.
    #[serde(rename = "max_items")]
    _max_items: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    function_event_invoke_configs: Vec<EventInvokeConfig>,
}

impl Operation for ListFunctionEventInvokeConfigs {
    const NAME: &'static str = "ListFunctionEventInvokeConfigs";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:ListFunctionEventInvokeConfigs", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let functions = &cx.engines.functions;
        let (_, read_at) = functions.get(&place.scope, &place.name).map_err(about(&place))?;
        let (configs, pos) = match functions.retry(&place.scope, &place.name) {
            Ok((retry, pos)) => (vec![EventInvokeConfig::new(&place, retry)], pos),
            Err(fault) if fault.code == Code::Missing => (Vec::new(), read_at),
            Err(fault) => return Err(fault),
        };
        Ok(Reply::read(Output { function_event_invoke_configs: configs }, pos))
    }
}
