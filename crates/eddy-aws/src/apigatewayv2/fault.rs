//! What failures are called, and how API Gateway words them.

use eddy_base::{Code, Fault, Subject};

use crate::Cx;

/// What a request named, for messages. Empty where it named nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Named<'a> {
    pub(super) api: &'a str,
    pub(super) route: &'a str,
    pub(super) route_key: &'a str,
    pub(super) integration: &'a str,
    pub(super) deployment: &'a str,
}

/// The error's name in the model.
pub(super) fn name(code: Code, subject: Subject) -> &'static str {
    match (code, subject) {
        (Code::Missing, _) => "NotFoundException",
        // Of all conflicts only this one is a bad request.
        (Code::Conflict, Subject::Deployment) => "BadRequestException",
        (Code::Exists | Code::Conflict | Code::ConditionFailed | Code::NotEmpty, _) => "ConflictException",
        (Code::LimitExceeded | Code::Throttled, _) => "TooManyRequestsException",
        (Code::Denied | Code::Unauthenticated, _) => "AccessDeniedException",
        (Code::Invalid | Code::TooLarge | Code::Unsupported, _) => "BadRequestException",
        (Code::NoRoom | Code::Unavailable, _) => "ServiceUnavailable",
        (Code::Internal | Code::TimedOut | Code::FunctionFailed, _) => "InternalFailure",
    }
}

/// The fault in API Gateway's words.
pub(super) fn worded(cx: &Cx, named: Named<'_>, fault: Fault) -> Fault {
    let message = match (fault.code, fault.subject) {
        (Code::Missing, Subject::Api) => {
            format!("Invalid API identifier specified {}:{}", cx.account(), named.api)
        }
        (Code::Missing, Subject::Route) => format!("Invalid Route identifier specified {}", named.route),
        (Code::Missing, Subject::Integration) => {
            format!("Invalid Integration identifier specified {}", named.integration)
        }
        (Code::Missing, Subject::Stage) => "Invalid stage identifier specified".to_owned(),
        (Code::Missing, Subject::Deployment) => {
            format!("Invalid Deployment identifier specified {}", named.deployment)
        }
        (Code::Exists, Subject::Route) => {
            format!("Route with key {} already exists for this API", named.route_key)
        }
        (Code::Exists, Subject::Stage) => "Stage already exists".to_owned(),
        (Code::Invalid, Subject::Route) => {
            let form = r#"Format should be "[HTTP METHOD] /[RESOURCE PATH]" or "$default""#;
            format!("The provided route key is not formatted properly for HTTP protocol. {form}")
        }
        (Code::Invalid, Subject::Deployment) => {
            "At least one route is required before deploying the Api.".to_owned()
        }
        (Code::Conflict, Subject::Deployment) => {
            "Active stages pointing to this deployment must be moved or deleted".to_owned()
        }
        _ => return fault,
    };
    Fault { message: message.into(), ..fault }
}

/// A bad request.
pub(super) fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::invalid(message)
}
