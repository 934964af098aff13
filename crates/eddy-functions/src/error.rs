//! What can go wrong here, and what it is to those above.

use eddy_base::{Code, Fault, Subject};

use eddy_identity::policy::Malformed;

use crate::limits;
use crate::package::Bad;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no function {0}")]
    NoFunction(String),
    #[error("function {0} exists already")]
    FunctionExists(String),
    #[error("function {0} is being changed by somebody else")]
    Busy(String),
    #[error("the revision is not the current one")]
    Revision,
    #[error("there is no statement {0}")]
    NoStatement(String),
    #[error("statement {0} exists already")]
    StatementExists(String),
    #[error("the statement cannot be used: {0}")]
    BadStatement(Malformed),
    #[error("the policy is larger than {} bytes", limits::POLICY_BYTES_MAX)]
    PolicyTooLarge,
    #[error("function {0} has no policy")]
    NoPolicy(String),
    #[error("function {0} has no URL")]
    NoUrl(String),
    #[error("function {0} has a URL already")]
    UrlExists(String),
    #[error("function {0} has no configuration for asynchronous invocation")]
    NoRetry(String),
    #[error("a function has at most {} tags", limits::TAGS_MAX)]
    TooManyTags,
    #[error("the package cannot be used: {0}")]
    Package(#[from] Bad),
    #[error("function {name} has no version {version}")]
    NoVersion { name: String, version: String },
    #[error("the payload is larger than {limit} bytes")]
    PayloadTooLarge { limit: usize },
    #[error("too many invocations wait for an environment")]
    Throttled,
    #[error("there is no runtime {0}")]
    NoRuntime(String),
    #[error("the server is stopping")]
    Stopping,
    #[error("{0}")]
    Fault(Fault),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let (code, subject) = match &error {
            Error::NoFunction(_) => (Code::Missing, Subject::Function),
            Error::FunctionExists(_) => (Code::Exists, Subject::Function),
            Error::Busy(_) => (Code::Conflict, Subject::Function),
            Error::Revision => (Code::ConditionFailed, Subject::Function),
            Error::NoStatement(_) => (Code::Missing, Subject::Statement),
            Error::StatementExists(_) => (Code::Exists, Subject::Statement),
            Error::BadStatement(_) => (Code::Invalid, Subject::Statement),
            Error::PolicyTooLarge => (Code::TooLarge, Subject::Policy),
            Error::NoPolicy(_) => (Code::Missing, Subject::Policy),
            Error::NoUrl(_) => (Code::Missing, Subject::FunctionUrl),
            Error::UrlExists(_) => (Code::Exists, Subject::FunctionUrl),
            Error::NoRetry(_) => (Code::Missing, Subject::EventInvokeConfig),
            Error::TooManyTags => (Code::LimitExceeded, Subject::Tags),
            Error::Package(Bad::TooLarge) => (Code::TooLarge, Subject::Package),
            Error::Package(Bad::Io(error)) if error.kind() == std::io::ErrorKind::StorageFull => {
                (Code::NoRoom, Subject::Server)
            }
            Error::Package(Bad::Io(error)) => {
                tracing::error!(%error, "a package could not be written");
                return Fault::internal("the package could not be written");
            }
            Error::Package(Bad::Empty) => (Code::Missing, Subject::Package),
            Error::Package(Bad::NotAZip(_)) => (Code::Invalid, Subject::Package),
            Error::Package(Bad::Entry(..) | Bad::Double | Bad::Overlap | Bad::TooMany) => {
                (Code::Unsupported, Subject::Package)
            }
            Error::NoVersion { .. } => (Code::Missing, Subject::FunctionVersion),
            Error::PayloadTooLarge { .. } => (Code::TooLarge, Subject::Request),
            Error::Throttled => (Code::Throttled, Subject::Concurrency),
            Error::NoRuntime(_) => (Code::Unsupported, Subject::Runtime),
            Error::Stopping => (Code::Unavailable, Subject::Server),
            Error::Fault(fault) => return fault.clone(),
        };
        Fault::new(code, subject, error.to_string())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::Fault(fault)
    }
}

impl From<eddy_store::Error> for Error {
    fn from(error: eddy_store::Error) -> Error {
        Error::Fault(error.into())
    }
}

/// A stored value that this version cannot read. Nothing goes on from it.
pub(crate) fn unreadable(what: &'static str, error: impl std::fmt::Display) -> Error {
    tracing::error!(what, %error, "a stored value cannot be read");
    Error::Fault(Fault::internal("a stored value cannot be read"))
}
