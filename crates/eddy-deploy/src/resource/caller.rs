//! Calls of operations, in earnest or in rehearsal.

use eddy_aws::Front;
use eddy_base::Region;
use eddy_wire::schema;
use serde_json::Value;

use super::fit::fit;

/// Calls operations in one region.
pub struct Caller<'a> {
    pub front: &'a Front,
    pub region: &'a Region,
    pub mode: Mode,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What it says.
    Acts,
    /// Nothing: the input is held against the operation, and the answer is null.
    Rehearses,
}

/// Why a resource could not be made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Template(String),
    #[error("{operation}: {code}: {message}")]
    Refused { operation: &'static str, code: String, message: String },
}

/// Answers that say nothing about what has happened.
const UNCERTAIN: [&str; 6] = [
    "InternalError",
    "InternalFailure",
    "ServiceException",
    "ServiceFailureException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];

/// What services call what is not there.
const GONE: [&str; 4] =
    ["NoSuchBucket", "NoSuchEntityException", "NotFoundException", "ResourceNotFoundException"];

impl Failure {
    /// Is it this error of the service?
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Failure::Refused { code, .. } if code == wanted)
    }

    /// Is what was asked for not there?
    pub fn says_gone(&self) -> bool {
        matches!(self, Failure::Refused { code, .. } if GONE.contains(&code.as_str()))
    }

    /// May the call have done something all the same?
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Failure::Refused { code, .. } if UNCERTAIN.contains(&code.as_str()))
    }
}

impl Caller<'_> {
    /// Calls an operation that changes something.
    pub async fn call(
        &self,
        service: &'static str,
        operation: &'static str,
        input: impl Into<Value>,
    ) -> Result<Value, Failure> {
        let input = fitted(service, operation, input.into());
        let done = match self.mode {
            Mode::Acts => self.front.call(service, operation, self.region, &input).await,
            Mode::Rehearses => {
                let held = self.front.rehearse(service, operation, self.region, &input).await;
                held.map(|()| Value::Null)
            }
        };
        done.map_err(|error| refused(operation, error))
    }

    /// Calls an operation that only reads, in rehearsal too. Nothing for what is not there.
    pub async fn ask(
        &self,
        service: &'static str,
        operation: &'static str,
        input: impl Into<Value>,
    ) -> Result<Option<Value>, Failure> {
        let input = fitted(service, operation, input.into());
        let asked = self.front.call(service, operation, self.region, &input).await;
        match asked.map_err(|error| refused(operation, error)) {
            Ok(answer) => Ok(Some(answer)),
            Err(failure) if failure.says_gone() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn fitted(service: &'static str, operation: &'static str, input: Value) -> Value {
    let model = schema::service(service).and_then(|service| service.operation(operation));
    match model.and_then(|model| model.input) {
        Some(shape) => fit(shape.get(), input),
        None => input,
    }
}

fn refused(operation: &'static str, error: eddy_wire::Error) -> Failure {
    Failure::Refused { operation, code: error.code.into_owned(), message: error.message }
}
