//! A browser's question before it asks another origin (OPTIONS). No bucket has rules for other origins, so the answer
//! is no; which no, is what whoever debugs a page looks at.

use eddy_base::{Code, Fault, Subject};
use eddy_objects::Objects;
use http::request::Parts;

use super::fault;

/// The refusal of a preflight, which is never signed.
pub(crate) fn preflight(objects: &Objects, head: &Parts, bucket_in_host: Option<&str>) -> Fault {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header("origin").is_none() {
        return fault::invalid("BadRequest", "Insufficient information. Origin request header needed.");
    }
    let asked = header("access-control-request-method");
    let known = ["GET", "PUT", "POST", "DELETE", "HEAD"];
    let Some(method) = asked.filter(|method| known.contains(method)) else {
        let text = format!("Invalid Access-Control-Request-Method: {}", asked.unwrap_or("null"));
        return fault::invalid("BadRequest", text);
    };
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = match bucket_in_host {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    let text = match objects.bucket(bucket) {
        Ok(_) => "CORSResponse: CORS is not enabled for this bucket.",
        Err(_) => "CORSResponse: Bucket not found",
    };
    fault::named(Code::Denied, Subject::Bucket, "AccessForbidden", text)
        .with("Method", method)
        .with("ResourceType", if key.is_empty() { "BUCKET" } else { "OBJECT" })
}
