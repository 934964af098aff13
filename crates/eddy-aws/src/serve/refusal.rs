//! What a service says to a caller who is not let in.
//!
//! The facts come from the signature and from identity; here are the words, since SDKs and people look for
//! them: S3 has its own, awsQuery and the JSON protocols have theirs.

use eddy_base::Timestamp;
use eddy_identity::Refused;
use eddy_wire::schema::Facts;
use eddy_wire::sign::{self, Mismatch, Refusal, amz_date};
use eddy_wire::{Error, Protocol};
use http::StatusCode;

/// Added to every refusal of a key that is not ours.
const HINT: &str = "eddy makes its own keys: `eddy env` prints them.";

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    S3,
    Query,
    /// awsJson and rpc-v2-cbor: nearly everything is a 400.
    Json,
    RestJson,
}

impl Style {
    fn of(protocol: Protocol) -> Style {
        match protocol {
            Protocol::RestXml => Style::S3,
            Protocol::Query => Style::Query,
            Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::Cbor => Style::Json,
            Protocol::RestJson => Style::RestJson,
        }
    }

    /// An error by its name in S3, in awsQuery and in JSON, where JSON differs in status by protocol.
    fn error(self, s3: &'static str, query: &'static str, json: &'static str, message: String) -> Error {
        let (code, status) = match self {
            Style::S3 => (s3, StatusCode::FORBIDDEN),
            Style::Query => (query, StatusCode::FORBIDDEN),
            Style::Json => (json, StatusCode::BAD_REQUEST),
            Style::RestJson => (json, StatusCode::FORBIDDEN),
        };
        Error::new(code, message).with_status(status)
    }
}

/// A request without a signature where one is needed.
pub(crate) fn unsigned(protocol: Protocol) -> Error {
    let style = Style::of(protocol);
    let message = match style {
        Style::S3 => "Access Denied",
        Style::Query => "Request is missing Authentication Token",
        Style::Json | Style::RestJson => "Missing Authentication Token",
    };
    style.error(
        "AccessDenied",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        message.to_owned(),
    )
}

/// S3's refusal of an `Authorization` of another kind.
pub(super) fn unknown_scheme(given: &str) -> Error {
    Error::new("InvalidArgument", "Unsupported Authorization Type")
        .with_status(StatusCode::BAD_REQUEST)
        .with("ArgumentName", "Authorization")
        .with("ArgumentValue", given)
}

/// A caller who is known and may not.
pub(crate) fn denied(protocol: Protocol, message: String) -> Error {
    Style::of(protocol).error("AccessDenied", "AccessDenied", "AccessDeniedException", message)
}

/// A client that began to send a body and does not go on. SDKs try such a request again.
pub(crate) fn silent(protocol: Protocol) -> Error {
    let text = "Your socket connection to the server was not read from or written to within the timeout period. Idle \
                connections will be closed.";
    let (code, status) = match Style::of(protocol) {
        Style::S3 => ("RequestTimeout", StatusCode::BAD_REQUEST),
        Style::Query => ("RequestTimeout", StatusCode::REQUEST_TIMEOUT),
        Style::Json | Style::RestJson => ("RequestTimeoutException", StatusCode::REQUEST_TIMEOUT),
    };
    Error::new(code, text).with_status(status)
}

/// A key that identity does not accept.
pub(crate) fn of_key(protocol: Protocol, refused: Refused, access_key: &str) -> Error {
    let style = Style::of(protocol);
    match (refused, style) {
        (Refused::UnknownKey, Style::S3) => Error::new(
            "InvalidAccessKeyId",
            format!("The AWS Access Key Id you provided does not exist in our records. {HINT}"),
        )
        .with_status(StatusCode::FORBIDDEN)
        .with("AWSAccessKeyId", access_key),
        (Refused::UnknownKey, _) => style.error(
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            format!("The security token included in the request is invalid. {HINT}"),
        ),
        (Refused::BadToken, Style::S3) => {
            Error::new("InvalidToken", "The provided token is malformed or otherwise invalid.")
                .with_status(StatusCode::BAD_REQUEST)
        }
        (Refused::BadToken, _) => style.error(
            "InvalidToken",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ),
        (Refused::ExpiredToken, Style::S3) => {
            Error::new("ExpiredToken", "The provided token has expired.").with_status(StatusCode::BAD_REQUEST)
        }
        (Refused::ExpiredToken, _) => style.error(
            "ExpiredToken",
            "ExpiredToken",
            "ExpiredTokenException",
            "The security token included in the request is expired".to_owned(),
        ),
    }
}

/// A signature for another service than the request is for.
pub(crate) fn other_service(protocol: Protocol, facts: &Facts) -> Error {
    Style::of(protocol).error(
        "SignatureDoesNotMatch",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        format!("Credential should be scoped to correct service: '{}'.", facts.signing_name),
    )
}

/// A region that is no name.
pub(crate) fn bad_region(protocol: Protocol) -> Error {
    Style::of(protocol).error(
        "AuthorizationHeaderMalformed",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "Credential should be scoped to a valid region.".to_owned(),
    )
}

/// A signature that cannot be read, is too old, or does not match.
pub(crate) fn of_signature(protocol: Protocol, refusal: Refusal) -> Error {
    if protocol == Protocol::RestXml { in_s3(refusal) } else { elsewhere(Style::of(protocol), refusal) }
}

fn in_s3(refusal: Refusal) -> Error {
    let bad =
        |code: &'static str, message: String| Error::new(code, message).with_status(StatusCode::BAD_REQUEST);
    let forbidden =
        |code: &'static str, message: &str| Error::new(code, message).with_status(StatusCode::FORBIDDEN);
    match refusal {
        Refusal::HeaderMalformed(text) => {
            bad("AuthorizationHeaderMalformed", format!("The authorization header is malformed; {text}"))
        }
        Refusal::QueryMalformed(text) => bad("AuthorizationQueryParametersError", text),
        Refusal::OldHeaderMalformed(given) => bad(
            "InvalidArgument",
            "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature".to_owned(),
        )
        .with("ArgumentName", "Authorization")
        .with("ArgumentValue", given),
        Refusal::OldQueryMalformed(text) => forbidden("AccessDenied", &text),
        Refusal::TwoSignatures => bad(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
             parameter or the Authorization header should be specified"
                .to_owned(),
        ),
        Refusal::Unsupported(what) => Error::new("NotImplemented", format!("eddy does not support {what} yet"))
            .with_status(StatusCode::NOT_IMPLEMENTED),
        Refusal::PayloadHashMalformed(text) => bad(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
             STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
                .to_owned(),
        )
        .with("ArgumentName", "x-amz-content-sha256")
        .with("ArgumentValue", text),
        Refusal::DateMissing => forbidden(
            "AccessDenied",
            "AWS authentication requires a valid Date or x-amz-date header",
        ),
        Refusal::DateMismatch { scope, at } => bad(
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; Invalid credential date \"{scope}\". This date is not the \
                     same as X-Amz-Date: \"{}\".", at.get(..8).unwrap_or(&at)),
        ),
        Refusal::TooOld { at, now } | Refusal::TooNew { at, now } => forbidden(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
        .with("RequestTime", at)
        .with("ServerTime", seconds(now))
        .with("MaxAllowedSkewMilliseconds", sign::SKEW.as_millis().to_string()),
        Refusal::Expired { ended, expires_seconds, now } => {
            let mut error = forbidden("AccessDenied", "Request has expired");
            if let Some(expires) = expires_seconds {
                error = error.with("X-Amz-Expires", expires.to_string());
            }
            error.with("Expires", seconds(ended)).with("ServerTime", seconds(now))
        }
        Refusal::NotYetValid { .. } => forbidden("AccessDenied", "Request is not valid yet"),
        Refusal::HeaderNotSigned(name) => forbidden(
            "AccessDenied",
            "There were headers present in the request which were not signed",
        )
        .with("HeadersNotSigned", name),
        Refusal::Mismatch(mismatch) => mismatched(*mismatch),
    }
}

/// What S3 computed, in full, so that whoever debugs a signature sees where it differs.
fn mismatched(mismatch: Mismatch) -> Error {
    let Mismatch { access_key, provided, string_to_sign, canonical_request } = mismatch;
    let bytes = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let text = "The request signature we calculated does not match the signature you provided. Check your key and \
                signing method.";
    let mut error = Error::new("SignatureDoesNotMatch", text)
        .with_status(StatusCode::FORBIDDEN)
        .with("AWSAccessKeyId", access_key)
        .with("StringToSignBytes", bytes(&string_to_sign))
        .with("StringToSign", string_to_sign)
        .with("SignatureProvided", provided);
    if !canonical_request.is_empty() {
        error = error
            .with("CanonicalRequestBytes", bytes(&canonical_request))
            .with("CanonicalRequest", canonical_request);
    }
    error
}

fn elsewhere(style: Style, refusal: Refusal) -> Error {
    let incomplete = |message: String| {
        let code = if style == Style::Query { "IncompleteSignature" } else { "IncompleteSignatureException" };
        Error::new(code, message).with_status(StatusCode::BAD_REQUEST)
    };
    let wrong = |message: String| {
        style.error("SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidSignatureException", message)
    };
    match refusal {
        Refusal::HeaderMalformed(text) | Refusal::QueryMalformed(text) | Refusal::OldQueryMalformed(text) => {
            incomplete(text)
        }
        Refusal::OldHeaderMalformed(_) => incomplete("AWS authorization header is invalid.".to_owned()),
        Refusal::TwoSignatures => incomplete("The request has two signatures.".to_owned()),
        Refusal::Unsupported(what) => incomplete(format!("eddy does not support {what} yet")),
        Refusal::PayloadHashMalformed(text) => {
            incomplete(format!("x-amz-content-sha256 must be a valid sha256 value: '{text}'"))
        }
        Refusal::DateMissing => incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned(),
        ),
        Refusal::DateMismatch { scope, at } => wrong(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != \
             '{}', from '{at}'.",
            at.get(..8).unwrap_or(&at)
        )),
        Refusal::TooOld { at, now } => {
            let now_text = amz_date(now);
            let bound = amz_date(Timestamp::from_seconds(now.seconds() - 900));
            wrong(format!("Signature expired: {at} is now earlier than {bound} ({now_text} - 15 min.)"))
        }
        Refusal::TooNew { at, now } => {
            let now_text = amz_date(now);
            let bound = amz_date(now.plus(sign::SKEW));
            wrong(format!(
                "Signature not yet current: {at} is still later than {bound} ({now_text} + 15 min.)"
            ))
        }
        Refusal::Expired { ended, now, .. } => {
            wrong(format!("Signature expired: {} is now earlier than {}", amz_date(ended), amz_date(now)))
        }
        Refusal::NotYetValid { from } => wrong(format!("Signature not yet current: {}", amz_date(from))),
        Refusal::HeaderNotSigned(name) => wrong(format!(
            "'{}' must be a 'SignedHeader' in the AWS Authorization.",
            if name == "host" { "Host' or ':authority" } else { &name }
        )),
        Refusal::Mismatch(mismatch) => wrong(format!(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for \
             this request should have been\n'{}'\n\nThe String-to-Sign should have been\n'{}'\n",
            mismatch.canonical_request, mismatch.string_to_sign
        )),
    }
}

/// `2026-01-02T03:04:05Z`.
fn seconds(at: Timestamp) -> String {
    at.civil().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
