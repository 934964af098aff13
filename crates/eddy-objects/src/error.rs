//! What can go wrong with buckets and objects.

use eddy_base::{Code, Fault, Scope, Subject};

/// The facts. Dialects match on them for their own texts; everyone else takes the [`Fault`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("a bucket with this name exists")]
    BucketExists { owner: Scope },
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("the object does not exist")]
    NoSuchObject,
    #[error("the upload does not exist; it may have been completed or aborted")]
    NoSuchUpload,
    #[error("a condition of the request does not hold")]
    ConditionFailed,
    /// Decided anew [`crate::limits::ATTEMPTS_MAX`] times, and others were first each time.
    #[error("too many others are changing the same object")]
    Contended,
    #[error("part {number} was not uploaded or has another ETag or checksum")]
    NoSuchPart { number: u32 },
    #[error("the parts are not in ascending order")]
    PartsOutOfOrder,
    #[error("part {number} is smaller than the minimum")]
    PartTooSmall { number: u32, size: u64, etag: String },
    #[error("the checksum of the whole object is another one")]
    ChecksumMismatch,
    #[error("the parts do not add up to the announced size")]
    SizeMismatch { size: u64 },
    #[error("the range lies outside of the object")]
    RangeOutside { size: u64 },
    #[error("the body is larger than allowed")]
    TooLarge { limit_bytes: u64 },
    #[error("the object would consist of more pieces than allowed")]
    TooManyExtents,
    #[error("the key is longer than allowed")]
    KeyTooLong { bytes: usize },
    #[error("the name of the bucket is empty or too long")]
    BucketName,
    /// A row that this crate wrote and can't read back.
    #[error("a stored row can't be read: {0}")]
    Damaged(&'static str),
    #[error("{0}")]
    Store(#[from] eddy_store::Error),
    /// The subscriptions are not taken.
    #[error("{0}")]
    Bus(Fault),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let (code, subject) = match &error {
            Error::NoSuchBucket => (Code::Missing, Subject::Bucket),
            Error::BucketExists { .. } => (Code::Exists, Subject::Bucket),
            Error::BucketNotEmpty => (Code::NotEmpty, Subject::Bucket),
            Error::NoSuchObject => (Code::Missing, Subject::Object),
            Error::NoSuchUpload => (Code::Missing, Subject::Upload),
            Error::ConditionFailed => (Code::ConditionFailed, Subject::Object),
            Error::Contended => (Code::Throttled, Subject::Object),
            Error::NoSuchPart { .. } => (Code::Missing, Subject::Part),
            Error::PartsOutOfOrder => (Code::Conflict, Subject::Part),
            Error::PartTooSmall { .. } => (Code::Invalid, Subject::Part),
            Error::ChecksumMismatch => (Code::Invalid, Subject::Checksum),
            Error::SizeMismatch { .. } => (Code::Invalid, Subject::Upload),
            Error::RangeOutside { .. } => (Code::Invalid, Subject::Range),
            Error::TooLarge { .. } => (Code::TooLarge, Subject::Object),
            Error::TooManyExtents => (Code::TooLarge, Subject::Upload),
            Error::KeyTooLong { .. } => (Code::Invalid, Subject::Object),
            Error::BucketName => (Code::Invalid, Subject::Bucket),
            Error::Damaged(_) => (Code::Internal, Subject::Server),
            Error::Store(_) | Error::Bus(_) => return below(error),
        };
        Fault::new(code, subject, error.to_string())
    }
}

/// An error of a lower floor, as that floor words it.
fn below(error: Error) -> Fault {
    match error {
        Error::Store(error) => error.into(),
        Error::Bus(fault) => fault,
        other => Fault::internal(other.to_string()),
    }
}
