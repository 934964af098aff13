//! Who says who they are, and whether it is so: Amazon's request signatures.
//!
//! [`claim`] reads what the head of a request says before anything is believed; [`Claim::fresh`] holds its
//! clock against ours; [`Claim::prove`] computes the signature with the secret and compares in constant time.
//! SigV4 stands in the header or in the query, and over the chunks of a body ([`ChunkSigner`]); SigV2 (S3 only)
//! in the header or in the query. [`Signer`] makes them: for the command line, the banner, deployments, tests.
//!
//! This module knows no service but by the two rules of the scheme: `s3` signs its path as it is sent, all
//! others encode it once more. It refuses SigV4A by name. Refusals are facts ([`Refusal`]); the words of each
//! service are its dialect's.

mod canonical;
mod chunks;
mod key;
#[cfg(test)]
mod oracle;
mod post;
mod signer;
#[cfg(test)]
mod tests;
mod v2;
mod v4;

use std::time::Duration;

use eddy_base::Timestamp;
use http::request::Parts;

pub use chunks::ChunkSigner;
pub use key::{Keys, hex, hmac_sha256, sha256_hex};
pub use post::Form;
pub use signer::{Credentials, Signer};
pub use v4::amz_date;

/// How far a client's clock may be from ours.
pub const SKEW: Duration = Duration::from_secs(15 * 60);

/// The longest life of a presigned URL.
pub const EXPIRES_SECONDS_MAX: u64 = 604_800;

/// SHA-256 of nothing, in hexadecimal.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The payload hash of a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Which signature, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    V4Header,
    V4Query,
    V2Header,
    V2Query,
}

/// What the head of a request says about who asks. Nothing of it is believed yet. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    pub scheme: Scheme,
    pub access_key: String,
    /// Date, region and service that the signing key is made for. SigV2 has none.
    pub scope: Option<CredentialScope>,
    /// Lower-case names, in the order sent. Empty for SigV2.
    pub signed_headers: Vec<String>,
    /// The session token of temporary keys.
    pub token: Option<String>,
    pub signature: String,
    /// When it was signed, to the second. For SigV2 in the query: when it ends.
    pub at: Timestamp,
    /// `at` in the spelling that was signed.
    pub at_text: String,
    /// The life of a presigned URL from `at` on, in seconds.
    pub expires_seconds: Option<u64>,
    /// What takes the place of the payload's hash, where the head says it.
    pub payload: Payload,
}

/// The middle of a credential: `20260102/us-east-1/s3/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialScope {
    pub date: String,
    pub region: String,
    pub service: String,
}

/// What the head says about the body's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: the hash is that of the body as it arrives.
    Absent,
    /// SHA-256 in lower-case hexadecimal.
    Hash(String),
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`, each chunk signed; with `-TRAILER` the trailers too.
    SignedChunks { trailer: bool },
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    UnsignedChunks,
}

/// Why a signature is not accepted. The service's own words are made where the service is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the Authorization header is not understood: {0}")]
    HeaderMalformed(String),
    #[error("the signature's query parameters are not understood: {0}")]
    QueryMalformed(String),
    #[error("the old signature's header is not understood: {0}")]
    OldHeaderMalformed(String),
    #[error("the old signature's query parameters are not understood: {0}")]
    OldQueryMalformed(String),
    #[error("more than one kind of signature")]
    TwoSignatures,
    #[error("eddy does not support {0} yet")]
    Unsupported(&'static str),
    #[error("x-amz-content-sha256 is neither a SHA-256 in hexadecimal nor a known marker: {0}")]
    PayloadHashMalformed(String),
    #[error("the request has no date that can be read")]
    DateMissing,
    #[error("the credential's date {scope} is not that of the request, {at}")]
    DateMismatch { scope: String, at: String },
    #[error("signed at {at}, more than 15 minutes before {}", .now.iso8601())]
    TooOld { at: String, now: Timestamp },
    #[error("signed at {at}, more than 15 minutes after {}", .now.iso8601())]
    TooNew { at: String, now: Timestamp },
    #[error("the presigned request ended at {}", .ended.iso8601())]
    Expired { ended: Timestamp, expires_seconds: Option<u64>, now: Timestamp },
    #[error("the presigned request is not valid before {}", .from.iso8601())]
    NotYetValid { from: Timestamp },
    #[error("header {0} must be signed")]
    HeaderNotSigned(String),
    #[error("the signature does not match")]
    Mismatch(Box<Mismatch>),
}

/// What was computed from the request, for the one who debugs a signature. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    pub access_key: String,
    pub provided: String,
    pub string_to_sign: String,
    /// Empty for SigV2, which has none.
    pub canonical_request: String,
}

/// Proof that the head (and, where its hash is in it, the body) came from who holds the secret.
#[derive(Debug, Clone)]
pub struct Proven {
    /// For signed chunks: the chain that starts with the head's signature.
    pub chunks: Option<ChunkSigner>,
}

/// Reads what a request says about who asks. `None`: it says nothing.
///
/// # Errors
/// A claim that cannot be read, two claims at once, or SigV4A.
pub fn claim(head: &Parts) -> Result<Option<Claim>, Refusal> {
    let header = match head.headers.get(http::header::AUTHORIZATION) {
        Some(value) => match value.to_str() {
            Ok(text) => Some(text),
            Err(_) => return Err(Refusal::HeaderMalformed("it holds bytes other than ASCII".to_owned())),
        },
        None => None,
    };
    let query = head.uri.query().unwrap_or_default();
    let in_query = v4::in_query(query) || v2::in_query(query);
    match header {
        Some(text) if text.starts_with("AWS4-") || text.starts_with("AWS ") => {
            if in_query {
                return Err(Refusal::TwoSignatures);
            }
            if text.starts_with("AWS4-") { v4::from_header(text, head) } else { v2::from_header(text, head) }
                .map(Some)
        }
        // Bearer tokens and Basic belong to other planes; here they are the same as nothing.
        Some(_) | None if v4::in_query(query) => v4::from_query(query, head).map(Some),
        Some(_) | None if v2::begins_in_query(query) => v2::from_query(query).map(Some),
        Some(_) | None => Ok(None),
    }
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("scheme", &self.scheme)
            .field("access_key", &self.access_key)
            .field("scope", &self.scope)
            .field("at", &self.at_text)
            .finish_non_exhaustive()
    }
}

impl Claim {
    /// Holds the time of signing against ours.
    ///
    /// # Errors
    /// Older or newer than [`SKEW`]; for presigned requests, over or not yet begun.
    pub fn fresh(&self, now: Timestamp) -> Result<(), Refusal> {
        let skew = i64::try_from(SKEW.as_millis()).expect("15 minutes fit");
        match self.scheme {
            Scheme::V2Query if self.at < now => {
                Err(Refusal::Expired { ended: self.at, expires_seconds: None, now })
            }
            Scheme::V2Query => Ok(()),
            Scheme::V4Query => {
                let seconds = self.expires_seconds.unwrap_or_default();
                let ended = self.at.plus(Duration::from_secs(seconds));
                if self.at.millis() > now.millis() + skew {
                    return Err(Refusal::NotYetValid { from: self.at });
                }
                if ended < now {
                    return Err(Refusal::Expired { ended, expires_seconds: Some(seconds), now });
                }
                Ok(())
            }
            Scheme::V4Header | Scheme::V2Header if self.at.millis() + skew < now.millis() => {
                Err(Refusal::TooOld { at: self.at_text.clone(), now })
            }
            Scheme::V4Header | Scheme::V2Header if self.at.millis() > now.millis() + skew => {
                Err(Refusal::TooNew { at: self.at_text.clone(), now })
            }
            Scheme::V4Header | Scheme::V2Header => Ok(()),
        }
    }

    /// Is the signature's payload hash known from the head alone? If not, [`Claim::prove`] wants the body's.
    pub fn needs_body(&self) -> bool {
        match self.scheme {
            Scheme::V2Header | Scheme::V2Query => false,
            Scheme::V4Header => self.payload == Payload::Absent,
            Scheme::V4Query => self.payload == Payload::Absent && !self.is_s3(),
        }
    }

    pub(crate) fn is_s3(&self) -> bool {
        match &self.scope {
            // `s3express` and `s3-object-lambda` sign their paths as S3 does.
            Some(scope) => scope.service.starts_with("s3"),
            None => true,
        }
    }

    /// Computes the signature with `secret` and compares it with the one sent, in constant time.
    ///
    /// `body_sha256` (hexadecimal) stands in where the head does not tell the payload's hash; `bucket` is the
    /// bucket's name when it stands in the host name, which SigV2 wants in the path.
    ///
    /// # Errors
    /// [`Refusal::Mismatch`], and [`Refusal::HeaderNotSigned`] when a header that must be signed is not.
    pub fn prove(
        &self,
        head: &Parts,
        secret: &str,
        keys: &Keys,
        body_sha256: Option<&str>,
        bucket: Option<&str>,
    ) -> Result<Proven, Refusal> {
        match self.scheme {
            Scheme::V4Header | Scheme::V4Query => v4::prove(self, head, secret, keys, body_sha256),
            Scheme::V2Header | Scheme::V2Query => v2::prove(self, head, secret, bucket),
        }
    }
}

impl Payload {
    /// Reads the value of `x-amz-content-sha256`.
    pub(crate) fn parse(text: &str) -> Result<Payload, Refusal> {
        Ok(match text {
            UNSIGNED_PAYLOAD => Payload::Unsigned,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Payload::UnsignedChunks,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Payload::SignedChunks { trailer: false },
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Payload::SignedChunks { trailer: true },
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => {
                return Err(Refusal::Unsupported("SigV4A (AWS4-ECDSA-P256-SHA256)"));
            }
            hash if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Payload::Hash(hash.to_ascii_lowercase())
            }
            other => return Err(Refusal::PayloadHashMalformed(other.chars().take(80).collect())),
        })
    }

    /// As it stands in the canonical request; `None` when the head does not say.
    pub fn text(&self) -> Option<&str> {
        Some(match self {
            Payload::Absent => return None,
            Payload::Hash(hash) => hash,
            Payload::Unsigned => UNSIGNED_PAYLOAD,
            Payload::SignedChunks { trailer: false } => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Payload::SignedChunks { trailer: true } => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Payload::UnsignedChunks => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        })
    }

    /// Is the body wrapped in `aws-chunked`?
    pub fn is_chunked(&self) -> bool {
        matches!(self, Payload::SignedChunks { .. } | Payload::UnsignedChunks)
    }

    /// What the head of any request, signed or not, says about the hash of its body.
    ///
    /// # Errors
    /// [`Refusal::PayloadHashMalformed`].
    pub fn of(head: &Parts) -> Result<Payload, Refusal> {
        match head.headers.get("x-amz-content-sha256") {
            None => Ok(Payload::Absent),
            Some(value) => Payload::parse(&String::from_utf8_lossy(value.as_bytes())),
        }
    }
}
