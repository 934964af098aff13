//! S3's errors: their names, their texts, and the members that S3 adds to each.

use eddy_base::{Code, Fault, Subject};
use eddy_objects::Error;

use super::limits::MIB;

/// What an error was about, for the members that name it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub upload: &'a str,
    /// Of a copy's source.
    pub range: &'a str,
}

impl<'a> About<'a> {
    pub(super) fn bucket(bucket: &'a str) -> About<'a> {
        About { bucket, ..About::default() }
    }

    pub(super) fn object(bucket: &'a str, key: &'a str) -> About<'a> {
        About { bucket, key, ..About::default() }
    }

    /// The error in S3's words.
    pub(super) fn fault(&self, error: Error) -> Fault {
        match error {
            Error::NoSuchBucket => no_such_bucket(self.bucket),
            Error::NoSuchObject => no_such_key(self.key),
            Error::NoSuchUpload => no_such_upload(self.upload),
            Error::BucketNotEmpty => named(
                Code::NotEmpty,
                Subject::Bucket,
                "BucketNotEmpty",
                "The bucket you tried to delete is not empty",
            )
            .with("BucketName", self.bucket),
            Error::ConditionFailed => precondition_failed("If-Match"),
            Error::Contended => conflict(self.key),
            Error::NoSuchPart { number } => named(Code::Missing, Subject::Part, "InvalidPart", INVALID_PART)
                .with("UploadId", self.upload)
                .with("PartNumber", number.to_string()),
            Error::PartsOutOfOrder => {
                named(Code::Conflict, Subject::Part, "InvalidPartOrder", INVALID_PART_ORDER)
                    .with("UploadId", self.upload)
            }
            Error::PartTooSmall { number, size, etag } => {
                named(Code::Invalid, Subject::Part, "EntityTooSmall", ENTITY_TOO_SMALL)
                    .with("ProposedSize", size.to_string())
                    .with("MinSizeAllowed", (5 * MIB).to_string())
                    .with("PartNumber", number.to_string())
                    .with("ETag", etag)
            }
            Error::ChecksumMismatch => named(
                Code::Invalid,
                Subject::Checksum,
                "BadDigest",
                "The checksum you specified did not match what we received.",
            ),
            Error::SizeMismatch { size } => invalid_request(format!(
                "The provided 'x-amz-mp-object-size' header value does not match what was computed: {size}"
            )),
            Error::RangeOutside { size } => invalid_argument(
                format!("Range specified is not valid for source object of size: {size}"),
                "x-amz-copy-source-range",
                self.range,
            ),
            Error::TooLarge { limit_bytes } => too_large(None, limit_bytes),
            Error::TooManyExtents => {
                invalid_request("The object would consist of more pieces than eddy keeps")
            }
            Error::KeyTooLong { bytes } => {
                named(Code::Invalid, Subject::Object, "KeyTooLongError", "Your key is too long")
                    .with("Size", bytes.to_string())
                    .with("MaxSizeAllowed", eddy_objects::limits::KEY_BYTES_MAX.to_string())
            }
            Error::BucketName => invalid_bucket_name(self.bucket),
            Error::BucketExists { .. } | Error::Damaged(_) | Error::Store(_) | Error::Bus(_) => error.into(),
        }
    }
}

const INVALID_PART: &str = "One or more of the specified parts could not be found.  The part may not have been \
     uploaded, or the specified entity tag may not match the part's entity tag.";
const INVALID_PART_ORDER: &str =
    "The list of parts was not in ascending order. Parts must be ordered by part number.";
const ENTITY_TOO_SMALL: &str = "Your proposed upload is smaller than the minimum allowed size";

pub(super) fn named(code: Code, subject: Subject, name: &'static str, text: impl Into<String>) -> Fault {
    Fault::new(code, subject, text.into()).named(name)
}

/// A rule of the request that is broken, whatever the state is.
pub(super) fn invalid(name: &'static str, text: impl Into<String>) -> Fault {
    named(Code::Invalid, Subject::Request, name, text)
}

pub(super) fn invalid_request(text: impl Into<String>) -> Fault {
    invalid("InvalidRequest", text)
}

pub(super) fn invalid_argument(
    text: impl Into<String>,
    argument: impl Into<String>,
    value: impl Into<String>,
) -> Fault {
    invalid("InvalidArgument", text).with("ArgumentName", argument).with("ArgumentValue", value)
}

pub(super) fn malformed_xml() -> Fault {
    invalid(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// No bucket has object locks.
pub(super) fn without_lock() -> Fault {
    invalid_request("Bucket is missing Object Lock Configuration")
}

pub(super) fn not_implemented(what: &str) -> Fault {
    unsupported(format!("{what} is not supported by eddy."))
}

/// In words of S3's own.
pub(super) fn unsupported(text: impl Into<String>) -> Fault {
    named(Code::Unsupported, Subject::Request, "NotImplemented", text)
}

pub(super) fn no_such_bucket(bucket: &str) -> Fault {
    named(Code::Missing, Subject::Bucket, "NoSuchBucket", "The specified bucket does not exist")
        .with("BucketName", bucket)
}

pub(super) fn no_such_key(key: &str) -> Fault {
    named(Code::Missing, Subject::Object, "NoSuchKey", "The specified key does not exist.").with("Key", key)
}

pub(super) fn no_such_upload(upload: &str) -> Fault {
    let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
         aborted or completed.";
    named(Code::Missing, Subject::Upload, "NoSuchUpload", text).with("UploadId", upload)
}

pub(super) fn invalid_bucket_name(bucket: &str) -> Fault {
    named(Code::Invalid, Subject::Bucket, "InvalidBucketName", "The specified bucket is not valid.")
        .with("BucketName", bucket)
}

pub(super) fn access_denied() -> Fault {
    named(Code::Denied, Subject::Request, "AccessDenied", "Access Denied")
}

pub(super) fn precondition_failed(condition: &str) -> Fault {
    let text = "At least one of the pre-conditions you specified did not hold";
    named(Code::ConditionFailed, Subject::Object, "PreconditionFailed", text).with("Condition", condition)
}

fn conflict(key: &str) -> Fault {
    let text = "The conditional request cannot succeed due to a conflicting operation against this resource.";
    named(Code::Conflict, Subject::Object, "ConditionalRequestConflict", text).with("Key", key)
}

pub(super) fn too_large(proposed: Option<u64>, limit: u64) -> Fault {
    let text = "Your proposed upload exceeds the maximum allowed size";
    let fault = named(Code::TooLarge, Subject::Object, "EntityTooLarge", text);
    let fault = match proposed {
        Some(size) => fault.with("ProposedSize", size.to_string()),
        None => fault,
    };
    fault.with("MaxSizeAllowed", limit.to_string())
}

/// A bucket has no configuration of a kind.
pub(super) fn not_configured(name: &'static str, text: &'static str, bucket: &str) -> Fault {
    named(Code::Missing, Subject::Bucket, name, text).with("BucketName", bucket)
}

/// What a fault without a name of its own is called.
pub(super) fn name_of(code: Code, subject: Subject) -> &'static str {
    match (code, subject) {
        (Code::Missing, Subject::Bucket) => "NoSuchBucket",
        (Code::Missing, Subject::Upload) => "NoSuchUpload",
        (Code::Missing, _) => "NoSuchKey",
        (Code::Exists, _) => "BucketAlreadyExists",
        (Code::NotEmpty, _) => "BucketNotEmpty",
        (Code::Denied | Code::Unauthenticated, _) => "AccessDenied",
        (Code::ConditionFailed, _) => "PreconditionFailed",
        (Code::Conflict, _) => "OperationAborted",
        (Code::Unsupported, _) => "NotImplemented",
        (Code::TooLarge, Subject::Request) => "MaxMessageLengthExceeded",
        (Code::TooLarge, _) => "EntityTooLarge",
        (Code::LimitExceeded, _) => "TooManyBuckets",
        (Code::Throttled | Code::NoRoom, _) => "SlowDown",
        (Code::Unavailable, _) => "ServiceUnavailable",
        (Code::TimedOut, _) => "RequestTimeout",
        (Code::Invalid, _) => "InvalidArgument",
        (Code::FunctionFailed | Code::Internal, _) => "InternalError",
    }
}
