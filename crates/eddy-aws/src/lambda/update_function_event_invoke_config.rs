use eddy_base::{Code, Fault, Subject};
use eddy_functions::function::Retry;
use serde::Deserialize;

use super::event_invoke_config::{DestinationConfig, EventInvokeConfig};
use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Changes how asynchronous invocations are tried again. What is not named stays.
#[derive(Debug, Deserialize)]
pub(super) struct UpdateFunctionEventInvokeConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
    maximum_retry_attempts: Option<u8>,
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: Option<DestinationConfig>,
}

impl Operation for UpdateFunctionEventInvokeConfig {
    const NAME: &'static str = "UpdateFunctionEventInvokeConfig";
    type Output = EventInvokeConfig;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:UpdateFunctionEventInvokeConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<EventInvokeConfig>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        self.destination_config.as_ref().map_or(Ok(()), DestinationConfig::check)?;
        let modified = cx.env().now();
        let change = |old: Option<Retry>| {
            let old = old.ok_or_else(|| Fault::new(Code::Missing, Subject::EventInvokeConfig, "none"))?;
            Ok(Retry {
                attempts: self.maximum_retry_attempts.or(old.attempts),
                age_seconds: self.maximum_event_age_in_seconds.or(old.age_seconds),
                modified,
            })
        };
        let changed = cx.engines.functions.set_retry(&place.scope, &place.name, change).await;
        let changed = changed.map_err(about(&place))?;
        Ok(Reply::after(changed.map(|retry| EventInvokeConfig::new(&place, retry))))
    }
}
