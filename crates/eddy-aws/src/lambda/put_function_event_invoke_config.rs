use eddy_base::Fault;
use eddy_functions::function::Retry;
use serde::Deserialize;

use super::event_invoke_config::{DestinationConfig, EventInvokeConfig};
use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Sets how asynchronous invocations are tried again. What is not named goes back to its default.
#[derive(Debug, Deserialize)]
pub(super) struct PutFunctionEventInvokeConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
    maximum_retry_attempts: Option<u8>,
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: Option<DestinationConfig>,
}

impl Operation for PutFunctionEventInvokeConfig {
    const NAME: &'static str = "PutFunctionEventInvokeConfig";
    type Output = EventInvokeConfig;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:PutFunctionEventInvokeConfig", self.function_name.arn(cx))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        self.destination_config.as_ref().map_or(Ok(()), DestinationConfig::check)
    }

    async fn call(self, cx: Cx) -> Result<Reply<EventInvokeConfig>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let (attempts, age_seconds) = (self.maximum_retry_attempts, self.maximum_event_age_in_seconds);
        if attempts.is_none() && age_seconds.is_none() && self.destination_config.is_none() {
            return Err(Fault::invalid(
                "You must specify at least one of error handling or destination setting.",
            ));
        }
        self.destination_config.as_ref().map_or(Ok(()), DestinationConfig::check)?;
        let modified = cx.env().now();
        let set = |_| Ok(Retry { attempts, age_seconds, modified });
        let changed = cx.engines.functions.set_retry(&place.scope, &place.name, set).await;
        let changed = changed.map_err(about(&place))?;
        Ok(Reply::after(changed.map(|retry| EventInvokeConfig::new(&place, retry))))
    }
}
