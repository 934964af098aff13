//! What is wrong with a body, as a fault that its service can word.

use eddy_base::{Code, Fault, Subject};

use super::Error;

impl From<Error> for Fault {
    /// In the words and with the names of S3, the only service whose bodies are held against so much.
    fn from(error: Error) -> Fault {
        let about = |code: Code, name: &'static str, text: String| {
            Fault::new(code, Subject::Checksum, text).named(name)
        };
        let invalid = |name: &'static str, text: &str| about(Code::Invalid, name, text.to_owned());
        match error {
            Error::Incomplete => invalid(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            ),
            // Each protocol has its own name for it.
            Error::Silent => Fault::new(Code::TimedOut, Subject::Request, error.to_string()),
            Error::ChunkMalformed => invalid("IncompleteBody", "The request body terminated unexpectedly"),
            Error::ChunkSignature => about(
                Code::Unauthenticated,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method."
                    .to_owned(),
            ),
            Error::TrailerMalformed => invalid(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our published \
                 schema.",
            ),
            Error::LengthRequired => {
                invalid("MissingContentLength", "You must provide the Content-Length HTTP header.")
            }
            Error::PayloadHash { declared, computed } => invalid(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
            .with("ClientComputedContentSHA256", declared)
            .with("S3ComputedContentSHA256", computed),
            Error::Md5Malformed(given) => {
                invalid("InvalidDigest", "The Content-MD5 you specified was invalid.")
                    .with("Content-MD5", given)
            }
            Error::Md5 { declared, computed } => {
                invalid("BadDigest", "The Content-MD5 you specified did not match what we received.")
                    .with("ExpectedDigest", declared)
                    .with("CalculatedDigest", computed)
            }
            Error::ChecksumMalformed(header) => {
                about(Code::Invalid, "InvalidRequest", format!("Value for {header} header is invalid."))
            }
            Error::ChecksumsMany => invalid(
                "InvalidRequest",
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ),
            Error::ChecksumMissing => invalid(
                "InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                 headers were found.",
            ),
            Error::Checksum { algorithm, .. } => about(
                Code::Invalid,
                "BadDigest",
                format!("The {} you specified did not match the calculated checksum.", algorithm.name()),
            ),
            Error::TooLarge { bytes_max } => Fault::new(
                Code::TooLarge,
                Subject::Request,
                format!("the request's body is larger than the {bytes_max} bytes that this operation takes"),
            ),
        }
    }
}
