//! STS: who am I. Becoming someone else comes with the enforcement of role policies.

mod get_caller_identity;

use eddy_base::{Code, Subject};

use crate::{Service, op};
use get_caller_identity::GetCallerIdentity;

pub(crate) static SERVICE: Service =
    Service { name: "sts", operations: &[op::<GetCallerIdentity>()], errors, form: None };

fn errors(code: Code, _: Subject) -> &'static str {
    match code {
        Code::Throttled => "Throttling",
        Code::NoRoom | Code::Unavailable => "ServiceUnavailable",
        Code::Internal | Code::TimedOut | Code::FunctionFailed => "InternalFailure",
        Code::Denied => "AccessDenied",
        Code::Unauthenticated => "InvalidClientTokenId",
        Code::Invalid
        | Code::TooLarge
        | Code::Unsupported
        | Code::Missing
        | Code::Exists
        | Code::Conflict
        | Code::ConditionFailed
        | Code::NotEmpty
        | Code::LimitExceeded => "ValidationError",
    }
}
