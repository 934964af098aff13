//! How asynchronous invocations are tried again, as requests and answers show it.

use eddy_base::Fault;
use eddy_functions::LATEST;
use eddy_functions::function::Retry;
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::name::Place;

/// Where results go. Sending them anywhere is refused; the empty forms that tools send along are taken.
#[derive(Debug, Deserialize)]
pub(super) struct DestinationConfig {
    on_success: Option<Destination>,
    on_failure: Option<Destination>,
}

#[derive(Debug, Deserialize)]
struct Destination {
    destination: Option<String>,
}

/// The model's FunctionEventInvokeConfig.
#[derive(Debug, Serialize)]
pub(super) struct EventInvokeConfig {
    last_modified: Time,
    function_arn: String,
    maximum_retry_attempts: Option<u8>,
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: NoDestinations,
}

#[derive(Debug, Serialize)]
struct NoDestinations {
    on_success: Nowhere,
    on_failure: Nowhere,
}

#[derive(Debug, Serialize)]
struct Nowhere {}

impl DestinationConfig {
    pub(super) fn check(&self) -> Result<(), Fault> {
        let set = |side: &Option<Destination>| {
            side.as_ref().and_then(|side| side.destination.as_deref()).is_some_and(|arn| !arn.is_empty())
        };
        for (side, name) in [(&self.on_success, "OnSuccess"), (&self.on_failure, "OnFailure")] {
            if set(side) {
                return Err(Fault::unsupported(format!("DestinationConfig.{name} is not supported by eddy")));
            }
        }
        Ok(())
    }
}

impl EventInvokeConfig {
    pub(super) fn new(place: &Place, retry: Retry) -> EventInvokeConfig {
        let qualifier = place.qualifier.clone().or_else(|| Some(LATEST.to_owned()));
        EventInvokeConfig {
            last_modified: retry.modified.into(),
            function_arn: Place { qualifier, ..place.clone() }.qualified_arn(),
            maximum_retry_attempts: retry.attempts,
            maximum_event_age_in_seconds: retry.age_seconds,
            destination_config: NoDestinations { on_success: Nowhere {}, on_failure: Nowhere {} },
        }
    }
}
