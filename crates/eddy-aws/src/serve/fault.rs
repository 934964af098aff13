//! From a [`Fault`] to an error on the wire, by the table of its service.

use eddy_base::{Code, Fault, Subject};
use eddy_wire::schema::Facts;
use eddy_wire::{Error, Protocol};
use http::StatusCode;

use super::refusal;
use crate::Service;

/// Words a fault as `service` does. A service without a table has no operations, so only what any request may
/// meet can befall it.
pub(super) fn worded(service: Option<&Service>, facts: &Facts, protocol: Protocol, fault: Fault) -> Error {
    let Fault { code, subject, message, name, fields } = fault;
    let message = message.into_owned();
    if code == Code::Denied && subject == Subject::Request && name.is_none() {
        return refusal::denied(protocol, message);
    }
    if code == Code::TimedOut && subject == Subject::Request && name.is_none() {
        return refusal::silent(protocol);
    }
    let name = name.unwrap_or_else(|| match (code, service) {
        (Code::Unsupported, _) => facts.codes.unsupported,
        (_, Some(service)) => (service.errors)(code, subject),
        (_, None) => usual(protocol, code),
    });
    let mut error = Error::new(name, message);
    // S3 has a status of its own for it.
    if code == Code::TooLarge && subject == Subject::Request && protocol != Protocol::RestXml {
        error = error.with_status(StatusCode::PAYLOAD_TOO_LARGE);
    }
    fields.into_iter().fold(error, |error, (field, value)| error.with(field, value))
}

/// What most services call what may befall any request.
pub(super) fn usual(protocol: Protocol, code: Code) -> &'static str {
    let s3 = protocol == Protocol::RestXml;
    match code {
        Code::Internal | Code::FunctionFailed | Code::TimedOut if s3 => "InternalError",
        Code::Internal | Code::FunctionFailed | Code::TimedOut => "InternalFailure",
        Code::NoRoom | Code::Unavailable => "ServiceUnavailable",
        Code::Throttled if s3 => "SlowDown",
        Code::Throttled => "ThrottlingException",
        Code::TooLarge if s3 => "EntityTooLarge",
        Code::TooLarge => "RequestEntityTooLargeException",
        Code::Invalid if s3 => "InvalidRequest",
        Code::Invalid
        | Code::Unsupported
        | Code::Unauthenticated
        | Code::Denied
        | Code::Missing
        | Code::Exists
        | Code::Conflict
        | Code::ConditionFailed
        | Code::NotEmpty
        | Code::LimitExceeded => "ValidationException",
    }
}
