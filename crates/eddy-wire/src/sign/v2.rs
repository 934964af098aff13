//! SigV2 as S3 still takes it: what boto3 presigns with in the oldest regions.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Timestamp;
use http::request::Parts;

use super::key::{hmac_sha1, same};
use super::{Claim, Mismatch, Payload, Proven, Refusal, Scheme, canonical, v4};

/// The query parameters that are part of the resource, sorted: those that old clients sign, and every other that
/// makes another operation of a request, since otherwise whoever holds a presigned URL could add it.
pub(super) const SUBRESOURCES: [&str; 52] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

pub(super) fn in_query(query: &str) -> bool {
    let has = |name: &str| query.split('&').any(|part| part.starts_with(name));
    has("AWSAccessKeyId=") && has("Signature=")
}

/// Does the query name a key, so that the rest of a signature is missing if it is not there?
pub(super) fn begins_in_query(query: &str) -> bool {
    query.split('&').any(|part| part.starts_with("AWSAccessKeyId="))
}

/// `AWS AKID:signature`, with the time in `x-amz-date` or `Date`.
pub(super) fn from_header(text: &str, head: &Parts) -> Result<Claim, Refusal> {
    let malformed = || Refusal::OldHeaderMalformed(text.to_owned());
    let (access_key, signature) =
        text.strip_prefix("AWS ").and_then(|rest| rest.trim().rsplit_once(':')).ok_or_else(malformed)?;
    let date = head.headers.get("x-amz-date").or_else(|| head.headers.get("date"));
    let date = date.and_then(|value| value.to_str().ok()).ok_or(Refusal::DateMissing)?;
    let at = v4::parse_http_date(date).ok_or(Refusal::DateMissing)?;
    let token = head.headers.get("x-amz-security-token");
    Ok(Claim {
        scheme: Scheme::V2Header,
        access_key: access_key.to_owned(),
        scope: None,
        signed_headers: Vec::new(),
        token: token.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        signature: signature.to_owned(),
        at,
        at_text: date.to_owned(),
        expires_seconds: None,
        payload: Payload::of(head)?,
    })
}

/// `AWSAccessKeyId`, `Signature` and `Expires`, an absolute time in seconds.
pub(super) fn from_query(query: &str) -> Result<Claim, Refusal> {
    let needed = |name: &str| {
        canonical::parameter(query, name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Refusal::OldQueryMalformed(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
                    .to_owned(),
            )
        })
    };
    let at_text = needed("Expires")?;
    let seconds: i64 = at_text.parse().map_err(|_| {
        Refusal::OldQueryMalformed(format!(
            "Invalid date (should be seconds since epoch): {}",
            at_text.chars().take(64).collect::<String>()
        ))
    })?;
    Ok(Claim {
        scheme: Scheme::V2Query,
        access_key: needed("AWSAccessKeyId")?,
        scope: None,
        signed_headers: Vec::new(),
        token: canonical::parameter(query, "x-amz-security-token"),
        signature: needed("Signature")?,
        at: Timestamp::from_seconds(seconds),
        at_text,
        expires_seconds: None,
        payload: Payload::Unsigned,
    })
}

pub(super) fn prove(
    claim: &Claim,
    head: &Parts,
    secret: &str,
    bucket: Option<&str>,
) -> Result<Proven, Refusal> {
    let mut first = None;
    for path in paths(head.uri.path(), bucket) {
        let text = string_to_sign(claim, head, path);
        let computed = BASE64.encode(hmac_sha1(secret, text.as_bytes()));
        if same(&computed, &claim.signature) {
            return Ok(Proven { chunks: None });
        }
        first.get_or_insert(text);
    }
    Err(Refusal::Mismatch(Box::new(Mismatch {
        access_key: claim.access_key.clone(),
        provided: claim.signature.clone(),
        string_to_sign: first.expect("there is at least one spelling of the path"),
        canonical_request: String::new(),
    })))
}

/// Spellings of the path that count: the bucket first, wherever it stands. A path that is a bucket and no more ends in
/// a slash for those who sign as SDKs do, whether it is sent so or not.
fn paths(path: &str, bucket: Option<&str>) -> Vec<String> {
    match bucket {
        Some(bucket) => vec![format!("/{bucket}{path}")],
        None if path.len() > 1 && !path[1..].contains('/') => vec![format!("{path}/"), path.to_owned()],
        None => vec![path.to_owned()],
    }
}

/// Method, MD5, type, date, the `x-amz-*` headers and the resource, each on its line.
fn string_to_sign(claim: &Claim, head: &Parts, path: String) -> String {
    let query = head.uri.query().unwrap_or_default();
    let text = |name: &str| {
        let in_header =
            head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        // A presigner may carry signed headers as parameters; the header itself goes first.
        let carried = || parameters(query).find(|(found, _)| found.eq_ignore_ascii_case(name));
        in_header.or_else(|| Some(carried()?.1)).unwrap_or_default()
    };
    let date = match claim.scheme {
        Scheme::V2Query => claim.at_text.clone(),
        // With x-amz-date, which stands among the headers below, the date's own line stays empty.
        _ if head.headers.contains_key("x-amz-date") => String::new(),
        _ => claim.at_text.clone(),
    };
    let mut out = format!("{}\n{}\n{}\n{date}\n", head.method, text("content-md5"), text("content-type"));
    for (name, value) in amazon_headers(head, query) {
        out.push_str(&format!("{name}:{value}\n"));
    }
    out.push_str(&resource(path, query));
    out
}

/// The query as whoever routes the request reads it: what is escaped in a name is still that name.
fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    let text = |raw: &str| String::from_utf8_lossy(&canonical::unescape(raw)).into_owned();
    query.split('&').map(move |part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (text(name), text(value))
    })
}

/// The `x-amz-*` headers, and those that the query carries: they mean as much there, however they are written.
fn amazon_headers(head: &Parts, query: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for name in head.headers.keys().filter(|name| name.as_str().starts_with("x-amz-")) {
        let value = canonical::header(head, name.as_str()).unwrap_or_default();
        found.insert(name.as_str().to_owned(), String::from_utf8_lossy(&value).into_owned());
    }
    for (name, value) in parameters(query) {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") {
            // The first is the one that counts.
            found.entry(name).or_insert(value);
        }
    }
    found
}

fn resource(path: String, query: &str) -> String {
    let mut out = path;
    let mut found: Vec<(String, Option<String>)> = parameters(query)
        .zip(query.split('&'))
        .filter(|((name, _), _)| SUBRESOURCES.contains(&name.as_str()))
        .map(|((name, value), part)| (name, part.contains('=').then_some(value)))
        .collect();
    found.sort();
    for (index, (name, value)) in found.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(name);
        if let Some(value) = value {
            out.push('=');
            out.push_str(value);
        }
    }
    out
}
