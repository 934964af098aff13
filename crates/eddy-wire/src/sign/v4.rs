//! SigV4: `AWS4-HMAC-SHA256`, in the header or in the query.

use std::collections::HashSet;

use eddy_base::Timestamp;
use http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::key::{hmac_sha256, same, sha256_hex};
use super::{
    ChunkSigner, Claim, CredentialScope, EMPTY_SHA256, EXPIRES_SECONDS_MAX, Keys, Mismatch, Payload, Proven,
    Refusal, Scheme, UNSIGNED_PAYLOAD, canonical,
};
use crate::limits::{CREDENTIAL_PART_CHARS_MAX, SIGNED_HEADERS_MAX};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const ALGORITHM_ASYMMETRIC: &str = "AWS4-ECDSA-P256-SHA256";

/// A time in the one spelling that is signed: `20260102T030405Z`.
pub fn amz_date(at: Timestamp) -> String {
    at.civil().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// `20260102T030405Z` back to a time.
fn parse_amz_date(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i16> {
        bytes[from..to]
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0')))
    };
    let small = |from: usize| number(from, from + 2).and_then(|number| i8::try_from(number).ok());
    let civil =
        DateTime::new(number(0, 4)?, small(4)?, small(6)?, small(9)?, small(11)?, small(13)?, 0).ok()?;
    Some(Timestamp::from_seconds(Offset::UTC.to_timestamp(civil).ok()?.as_second()))
}

/// `Fri, 02 Jan 2026 03:04:05 GMT`, as the `Date` header has it.
pub(super) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Timestamp::from_seconds(at.as_second()))
}

pub(super) fn in_query(query: &str) -> bool {
    query.split('&').any(|part| part.starts_with("X-Amz-Signature=") || part.starts_with("X-Amz-Algorithm="))
}

pub(super) fn from_header(text: &str, head: &Parts) -> Result<Claim, Refusal> {
    let (algorithm, fields) = text.split_once(' ').unwrap_or((text, ""));
    check_algorithm(algorithm).map_err(|text| match text {
        Some(text) => Refusal::HeaderMalformed(text),
        None => Refusal::Unsupported("SigV4A (AWS4-ECDSA-P256-SHA256)"),
    })?;
    let field = |name: &str| {
        fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('=')).ok_or_else(
            || Refusal::HeaderMalformed(format!("Authorization header requires '{name}' parameter.")),
        )
    };
    let (access_key, scope) = credential(field("Credential")?).ok_or_else(|| {
        Refusal::HeaderMalformed(
            "the Credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .to_owned(),
        )
    })?;
    let signed_headers =
        names(field("SignedHeaders")?).ok_or_else(|| Refusal::HeaderMalformed(SIGNED_TWICE.to_owned()))?;
    let signature = field("Signature")?.to_owned();
    let (at, at_text) = time_of(head)?;
    check_date(&scope, &at_text)?;
    let token = head.headers.get("x-amz-security-token");
    let token = token.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok(Claim {
        scheme: Scheme::V4Header,
        access_key,
        scope: Some(scope),
        signed_headers,
        token,
        signature,
        at,
        at_text,
        expires_seconds: None,
        payload: Payload::of(head)?,
    })
}

pub(super) fn from_query(query: &str, head: &Parts) -> Result<Claim, Refusal> {
    let needed = |name: &str| {
        canonical::parameter(query, name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Refusal::QueryMalformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
                    .to_owned(),
            )
        })
    };
    check_algorithm(&needed("X-Amz-Algorithm")?).map_err(|text| match text {
        Some(_) => Refusal::QueryMalformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"".to_owned()),
        None => Refusal::Unsupported("SigV4A (AWS4-ECDSA-P256-SHA256)"),
    })?;
    let (access_key, scope) = credential(&needed("X-Amz-Credential")?).ok_or_else(|| {
        Refusal::QueryMalformed(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .to_owned(),
        )
    })?;
    let at_text = needed("X-Amz-Date")?;
    let at = parse_amz_date(&at_text).ok_or_else(|| {
        Refusal::QueryMalformed(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned(),
        )
    })?;
    check_date(&scope, &at_text)?;
    let payload = match canonical::parameter(query, "X-Amz-Content-Sha256") {
        Some(text) => Payload::parse(&text)?,
        None => Payload::of(head)?,
    };
    Ok(Claim {
        scheme: Scheme::V4Query,
        access_key,
        signed_headers: names(&needed("X-Amz-SignedHeaders")?)
            .ok_or_else(|| Refusal::QueryMalformed(SIGNED_TWICE.to_owned()))?,
        token: canonical::parameter(query, "X-Amz-Security-Token"),
        signature: needed("X-Amz-Signature")?,
        at,
        at_text,
        expires_seconds: Some(expires(&scope, canonical::parameter(query, "X-Amz-Expires").as_deref())?),
        payload,
        scope: Some(scope),
    })
}

/// The life in the query. Only S3 asks for it; others give 15 minutes.
fn expires(scope: &CredentialScope, text: Option<&str>) -> Result<u64, Refusal> {
    let Some(text) = text else {
        if scope.service == "s3" {
            return Err(Refusal::QueryMalformed(
                "Query-string authentication version 4 requires the X-Amz-Expires parameter.".to_owned(),
            ));
        }
        return Ok(super::SKEW.as_secs());
    };
    let seconds: i64 =
        text.parse().map_err(|_| Refusal::QueryMalformed("X-Amz-Expires should be a number".to_owned()))?;
    let seconds = u64::try_from(seconds)
        .map_err(|_| Refusal::QueryMalformed("X-Amz-Expires must be non-negative".to_owned()))?;
    if seconds > EXPIRES_SECONDS_MAX {
        return Err(Refusal::QueryMalformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
             than 604800 seconds"
                .to_owned(),
        ));
    }
    Ok(seconds)
}

/// `Err(None)`: the asymmetric one, which is known and not supported.
fn check_algorithm(algorithm: &str) -> Result<(), Option<String>> {
    match algorithm {
        ALGORITHM => Ok(()),
        ALGORITHM_ASYMMETRIC => Err(None),
        other => Err(Some(format!(
            "Unsupported AWS 'algorithm': '{}'",
            other.chars().take(64).collect::<String>()
        ))),
    }
}

/// `AKID/20260102/us-east-1/s3/aws4_request`.
pub(super) fn credential(text: &str) -> Option<(String, CredentialScope)> {
    let mut parts = text.trim().rsplitn(5, '/');
    if parts.next()? != "aws4_request" {
        return None;
    }
    let (service, region, date, access_key) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let dated = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    let is_fine = |part: &str| !part.is_empty() && part.len() <= CREDENTIAL_PART_CHARS_MAX;
    if !dated || ![service, region, access_key].into_iter().all(is_fine) {
        return None;
    }
    let scope =
        CredentialScope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Some((access_key.to_owned(), scope))
}

const SIGNED_TWICE: &str = "SignedHeaders must name each header once, and no more than a request has.";

/// The names of the signed headers. `None` when there are too many or one stands twice: each is written out with its
/// value in the canonical request, so a short list of repeated names could ask for all the memory there is.
fn names(text: &str) -> Option<Vec<String>> {
    let names = text.split(';').filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
    let names: Vec<String> = names.take(SIGNED_HEADERS_MAX + 1).collect();
    let different: HashSet<&String> = names.iter().collect();
    let is_fine = names.len() <= SIGNED_HEADERS_MAX && different.len() == names.len();
    is_fine.then_some(names)
}

fn time_of(head: &Parts) -> Result<(Timestamp, String), Refusal> {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(text) = text("x-amz-date") {
        let at = parse_amz_date(text.trim()).or_else(|| parse_http_date(text)).ok_or(Refusal::DateMissing)?;
        return Ok((at, amz_date(at)));
    }
    let text = text("date").ok_or(Refusal::DateMissing)?;
    let at = parse_amz_date(text.trim()).or_else(|| parse_http_date(text)).ok_or(Refusal::DateMissing)?;
    Ok((at, amz_date(at)))
}

fn check_date(scope: &CredentialScope, at_text: &str) -> Result<(), Refusal> {
    if at_text.starts_with(&scope.date) {
        return Ok(());
    }
    Err(Refusal::DateMismatch { scope: scope.date.clone(), at: at_text.to_owned() })
}

pub(super) fn prove(
    claim: &Claim,
    head: &Parts,
    secret: &str,
    keys: &Keys,
    body_sha256: Option<&str>,
) -> Result<Proven, Refusal> {
    check_signed_headers(claim, head)?;
    let scope = claim.scope.as_ref().expect("a SigV4 claim has a scope");
    let payload = payload_text(claim, body_sha256);
    let in_query = claim.scheme == Scheme::V4Query;
    let query = canonical::query(head.uri.query().unwrap_or_default(), in_query.then_some("X-Amz-Signature"));
    let key = keys.get(&claim.access_key, secret, scope);
    let mut first = None;
    for path in paths(claim, head.uri.path()) {
        let request = canonical::request(head, &path, &query, &claim.signed_headers, payload);
        let string_to_sign = string_to_sign(&claim.at_text, scope, &request);
        let computed = hmac_sha256(&key, string_to_sign.as_bytes());
        if same(&computed, &claim.signature) {
            let chunks = matches!(claim.payload, Payload::SignedChunks { .. })
                .then(|| ChunkSigner::new(key, claim.at_text.clone(), scope, computed));
            return Ok(Proven { chunks });
        }
        first.get_or_insert((request, string_to_sign));
    }
    let (request, string_to_sign) = first.expect("there is at least one spelling of the path");
    Err(Refusal::Mismatch(Box::new(Mismatch {
        access_key: claim.access_key.clone(),
        provided: claim.signature.clone(),
        string_to_sign,
        canonical_request: String::from_utf8_lossy(&request).into_owned(),
    })))
}

/// Spellings of the path that count. S3's is as sent; a client that escapes less than it signs is met by the
/// strict spelling, which names the same object.
fn paths(claim: &Claim, raw: &str) -> Vec<String> {
    let raw = if raw.is_empty() { "/" } else { raw };
    if !claim.is_s3() {
        return vec![canonical::path_encoded_twice(raw)];
    }
    let strict = canonical::path_encoded_once(raw);
    if strict == raw { vec![strict] } else { vec![raw.to_owned(), strict] }
}

fn payload_text<'a>(claim: &'a Claim, body_sha256: Option<&'a str>) -> &'a str {
    match (claim.payload.text(), claim.scheme) {
        (Some(text), _) => text,
        (None, Scheme::V4Query) if claim.is_s3() => UNSIGNED_PAYLOAD,
        (None, _) => body_sha256.unwrap_or(EMPTY_SHA256),
    }
}

/// What a thief could otherwise add to a signed request: `host` always, for S3 each `x-amz-*` header too.
fn check_signed_headers(claim: &Claim, head: &Parts) -> Result<(), Refusal> {
    let signed = |name: &str| claim.signed_headers.iter().any(|signed| signed == name);
    if !signed("host") {
        return Err(Refusal::HeaderNotSigned("host".to_owned()));
    }
    let unsigned = head
        .headers
        .keys()
        .find(|name| name.as_str().starts_with("x-amz-") && !signed(name.as_str()) && claim.is_s3());
    match unsigned {
        Some(name) => Err(Refusal::HeaderNotSigned(name.as_str().to_owned())),
        None => Ok(()),
    }
}

pub(super) fn string_to_sign(at_text: &str, scope: &CredentialScope, request: &[u8]) -> String {
    format!("{ALGORITHM}\n{at_text}\n{scope}\n{}", sha256_hex(request))
}

impl std::fmt::Display for CredentialScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}
