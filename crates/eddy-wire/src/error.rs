//! What goes back to a client that cannot be served.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

/// An error in words of the wire.
///
/// `code` is the name of an error in the service's model, or of a common one; status, awsQuery code and fault
/// come from the tables, so `status` is set only where it differs from theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub code: Cow<'static, str>,
    pub message: String,
    pub status: Option<StatusCode>,
    /// Further members of the error, by their names in the model; structures and lists as JSON. S3's errors
    /// take any (`Key`, `BucketName`).
    pub fields: Vec<(String, String)>,
}

impl Error {
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Error {
        Error { code: code.into(), message: message.into(), status: None, fields: Vec::new() }
    }

    /// Ours to mend: an answer that does not fit its model.
    pub(crate) fn internal(message: impl Into<String>) -> Error {
        Error::new("InternalFailure", message).with_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Error {
        self.status = Some(status);
        self
    }

    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<String>) -> Error {
        self.fields.push((field.into(), value.into()));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}
