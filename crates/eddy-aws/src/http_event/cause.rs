//! What a person may have overlooked when a function fails on a request.

use eddy_gateway::Request;
use http::header::CONTENT_TYPE;

use super::body;

/// Says that the body came in base64, since that is what surprises: `curl -d` sends a form.
pub(super) fn hint(request: &Request<'_>) -> Option<String> {
    let headers = &request.head.headers;
    if request.body.is_empty() || body::is_text(headers) {
        return None;
    }
    let sent = match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(kind) => format!("the request's content-type is {kind}"),
        None => "the request has no content-type".to_owned(),
    };
    Some(format!(
        "{sent}, so event['body'] was base64 (isBase64Encoded is true), as on AWS; \
         for JSON send the header content-type: application/json"
    ))
}
