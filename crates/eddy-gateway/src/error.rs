//! What can go wrong here, and what it is to those above.

use eddy_base::{Code, Fault, Subject};

use crate::limits;
use crate::route::Malformed;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no API {0}")]
    NoApi(String),
    #[error("there is no route {0}")]
    NoRoute(String),
    #[error("there is no integration {0}")]
    NoIntegration(String),
    #[error("there is no stage {0}")]
    NoStage(String),
    #[error("there is no deployment {0}")]
    NoDeployment(String),
    #[error("the route key is malformed: {0}")]
    RouteKey(#[from] Malformed),
    #[error("route {0} exists already")]
    RouteExists(String),
    #[error("stage {0} exists already")]
    StageExists(String),
    #[error("integration {integration} is used by route {route}")]
    IntegrationInUse { integration: String, route: String },
    #[error("deployment {deployment} is served by stage {stage}")]
    DeploymentInUse { deployment: String, stage: String },
    #[error("a deployment needs at least one route")]
    NothingToDeploy,
    #[error("stage {0} deploys by itself, so its deployment cannot be chosen")]
    DeploysItself(String),
    #[error("{what} belongs to the API that was made with it and cannot be removed or renamed alone")]
    Managed { what: &'static str },
    #[error(
        "a stage's name is {} or 1 to {} letters, digits, '-' and '_'",
        "$default",
        limits::STAGE_NAME_CHARS_MAX
    )]
    StageName,
    #[error("a time-out is {} to {} ms", limits::TIMEOUT_MIN.as_millis(), limits::TIMEOUT_MAX.as_millis())]
    Timeout,
    #[error("{what}: at most {max}")]
    TooMany { what: &'static str, max: usize, subject: Subject },
    #[error("API {0} is being changed by somebody else")]
    Busy(String),
    #[error("a stored row cannot be read: {0}")]
    Unreadable(String),
    #[error("{0}")]
    Fault(Fault),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let (code, subject) = match &error {
            Error::NoApi(_) => (Code::Missing, Subject::Api),
            Error::NoRoute(_) => (Code::Missing, Subject::Route),
            Error::NoIntegration(_) => (Code::Missing, Subject::Integration),
            Error::NoStage(_) => (Code::Missing, Subject::Stage),
            Error::NoDeployment(_) => (Code::Missing, Subject::Deployment),
            Error::RouteKey(_) => (Code::Invalid, Subject::Route),
            Error::RouteExists(_) => (Code::Exists, Subject::Route),
            Error::StageExists(_) => (Code::Exists, Subject::Stage),
            Error::IntegrationInUse { .. } => (Code::Conflict, Subject::Integration),
            Error::DeploymentInUse { .. } => (Code::Conflict, Subject::Deployment),
            Error::NothingToDeploy => (Code::Invalid, Subject::Deployment),
            Error::DeploysItself(_) | Error::StageName => (Code::Invalid, Subject::Stage),
            Error::Managed { .. } => (Code::Invalid, Subject::Api),
            Error::Timeout => (Code::Invalid, Subject::Integration),
            Error::TooMany { subject, .. } => (Code::LimitExceeded, *subject),
            Error::Busy(_) => (Code::Conflict, Subject::Api),
            Error::Unreadable(detail) => {
                tracing::error!(detail, "a row of an API cannot be read");
                return Fault::internal("a stored row cannot be read");
            }
            Error::Fault(fault) => return fault.clone(),
        };
        Fault::new(code, subject, error.to_string())
    }
}

impl From<eddy_store::Error> for Error {
    fn from(error: eddy_store::Error) -> Error {
        Error::Fault(error.into())
    }
}

impl From<eddy_store::BadKey> for Error {
    fn from(error: eddy_store::BadKey) -> Error {
        Error::Fault(error.into())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::Fault(fault)
    }
}
