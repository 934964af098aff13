//! The client's side: signs requests and makes presigned URLs.

use std::time::Duration;

use eddy_base::Timestamp;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri};

use super::key::{derive, hmac_sha256};
use super::v4::{amz_date, string_to_sign};
use super::{ChunkSigner, CredentialScope, EMPTY_SHA256, Payload, UNSIGNED_PAYLOAD, canonical};

/// Headers that proxies and HTTP itself may change, so nobody signs them.
const NEVER_SIGNED: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// An access key with its secret. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
    /// The session token of temporary keys.
    pub token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Signs for one service in one region at one time.
#[derive(Debug, Clone)]
pub struct Signer<'a> {
    pub credentials: &'a Credentials,
    pub region: &'a str,
    /// The signing name, such as `s3` or `lambda`.
    pub service: &'a str,
    pub at: Timestamp,
}

impl Signer<'_> {
    /// Signs a request in its header. The head needs `host`, as a header or in its URI. Gives the chain for
    /// the body's chunks where `payload` is signed chunks.
    pub fn sign(&self, head: &mut Parts, payload: &Payload) -> Option<ChunkSigner> {
        let (scope, at_text) = (self.scope(), amz_date(self.at));
        self.set(head, "x-amz-date", &at_text);
        if let Some(token) = &self.credentials.token {
            self.set(head, "x-amz-security-token", token);
        }
        let payload_text = payload.text().unwrap_or(EMPTY_SHA256).to_owned();
        if *payload != Payload::Absent || self.service == "s3" {
            self.set(head, "x-amz-content-sha256", &payload_text);
        }
        let mut names: Vec<String> = head.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.retain(|name| !NEVER_SIGNED.contains(&name.as_str()));
        if !head.headers.contains_key("host") {
            names.push("host".to_owned());
        }
        names.sort();
        let query = canonical::query(head.uri.query().unwrap_or_default(), None);
        let request = canonical::request(head, &self.path(head.uri.path()), &query, &names, &payload_text);
        let key = derive(&self.credentials.secret_key, &scope);
        let signature = hmac_sha256(&key, string_to_sign(&at_text, &scope, &request).as_bytes());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            self.credentials.access_key,
            names.join(";")
        );
        self.set(head, "authorization", &authorization);
        matches!(payload, Payload::SignedChunks { .. })
            .then(|| ChunkSigner::new(key, at_text, &scope, signature))
    }

    /// Makes a URL that anyone may use for `expires` (at most a week): only method, path, query and host are
    /// signed, for S3 not the body. `uri` is absolute.
    pub fn presign(&self, method: Method, uri: &Uri, expires: Duration) -> String {
        let (scope, at_text) = (self.scope(), amz_date(self.at));
        let mut query = uri.query().map(|query| format!("{query}&")).unwrap_or_default();
        let mut add = |name: &str, value: &str, last: bool| {
            query.push_str(name);
            query.push('=');
            canonical::escape(value.as_bytes(), false, &mut query);
            if !last {
                query.push('&');
            }
        };
        add("X-Amz-Algorithm", "AWS4-HMAC-SHA256", false);
        add("X-Amz-Credential", &format!("{}/{scope}", self.credentials.access_key), false);
        add("X-Amz-Date", &at_text, false);
        add("X-Amz-Expires", &expires.as_secs().to_string(), false);
        if let Some(token) = &self.credentials.token {
            add("X-Amz-Security-Token", token, false);
        }
        add("X-Amz-SignedHeaders", "host", true);
        let payload = if self.service == "s3" { UNSIGNED_PAYLOAD } else { EMPTY_SHA256 };
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.method = method;
        head.uri = uri.clone();
        let canonical_query = canonical::query(&query, None);
        let names = ["host".to_owned()];
        let request = canonical::request(&head, &self.path(uri.path()), &canonical_query, &names, payload);
        let key = derive(&self.credentials.secret_key, &scope);
        let signature = hmac_sha256(&key, string_to_sign(&at_text, &scope, &request).as_bytes());
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or("http");
        format!("{scheme}://{authority}{}?{query}&X-Amz-Signature={signature}", uri.path())
    }

    fn scope(&self) -> CredentialScope {
        CredentialScope {
            date: amz_date(self.at)[..8].to_owned(),
            region: self.region.to_owned(),
            service: self.service.to_owned(),
        }
    }

    fn path(&self, raw: &str) -> String {
        if self.service.starts_with("s3") { raw.to_owned() } else { canonical::path_encoded_twice(raw) }
    }

    fn set(&self, head: &mut Parts, name: &'static str, value: &str) {
        let value = HeaderValue::from_str(value).expect("keys, dates and hashes are plain ASCII");
        head.headers.insert(HeaderName::from_static(name), value);
    }
}
