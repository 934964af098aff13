//! Lambda's names and words for what can go wrong.

use eddy_base::{Code, Fault, Subject};

use super::name::Place;

/// The error that a fault without a name of its own is.
pub(super) fn name(code: Code, subject: Subject) -> &'static str {
    match code {
        Code::Invalid | Code::Unsupported | Code::NotEmpty | Code::LimitExceeded => {
            "InvalidParameterValueException"
        }
        Code::TooLarge => match subject {
            Subject::Package => "InvalidParameterValueException",
            Subject::Policy => "PolicyLengthExceededException",
            _ => "RequestTooLargeException",
        },
        Code::Unauthenticated => "UnrecognizedClientException",
        Code::Denied => "AccessDeniedException",
        Code::Missing => "ResourceNotFoundException",
        Code::Exists | Code::Conflict => "ResourceConflictException",
        Code::ConditionFailed => "PreconditionFailedException",
        Code::Throttled => "TooManyRequestsException",
        Code::FunctionFailed | Code::TimedOut | Code::NoRoom | Code::Unavailable | Code::Internal => {
            "ServiceException"
        }
    }
}

/// Words a fault of the engine about a function as Lambda does.
pub(super) fn about(place: &Place) -> impl Fn(Fault) -> Fault + '_ {
    move |fault| {
        let message = match (fault.code, fault.subject) {
            (Code::Missing, Subject::Function) => format!("Function not found: {}", place.arn()),
            (Code::Missing, Subject::FunctionVersion) => {
                format!("Function not found: {}", place.qualified_arn())
            }
            (Code::Missing, Subject::Policy | Subject::FunctionUrl) => {
                "The resource you requested does not exist.".to_owned()
            }
            (Code::Missing, Subject::EventInvokeConfig) => {
                format!("The function {} doesn't have an EventInvokeConfig", place.latest_arn())
            }
            (Code::Exists, Subject::Function) => format!("Function already exist: {}", place.name),
            (Code::Exists, Subject::FunctionUrl) => format!(
                "Failed to create function url config for [functionArn = {}]. Error message:  \
                 FunctionUrlConfig exists for this Lambda function",
                place.arn()
            ),
            (Code::ConditionFailed, _) => "The Revision Id provided does not match the latest Revision Id. \
                 Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
                .to_owned(),
            (Code::Conflict, Subject::Function) => format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {}",
                place.arn()
            ),
            (Code::Throttled, _) => return throttled(fault),
            (Code::Missing, Subject::Package) => {
                return Fault::invalid("Uploaded file must be a non-empty zip");
            }
            (Code::Invalid, Subject::Package) => COULD_NOT_UNZIP.to_owned(),
            (Code::TooLarge | Code::Unsupported, Subject::Package) => format!("{COULD_NOT_UNZIP} ({fault})"),
            (Code::Unsupported, Subject::Runtime) => fault.message.to_string(),
            _ => return fault,
        };
        Fault { message: message.into(), ..fault }
    }
}

const COULD_NOT_UNZIP: &str =
    "Could not unzip uploaded file. Please check your file, then try to upload again.";

fn throttled(fault: Fault) -> Fault {
    Fault { message: "Rate Exceeded.".into(), ..fault }.with("Reason", "ConcurrentInvocationLimitExceeded")
}

/// A value that breaks a rule, in the words of AWS's validation.
pub(super) fn constraint(member: &str, value: &str, rule: &str) -> Fault {
    Fault::invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
    ))
    .named("ValidationException")
}
