//! What the verbs ask beside the services' own APIs: JSON below `/_eddy/v1/`, for root only, signed as requests to AWS
//! are.

mod deploy;
mod events;
mod logs;
mod trace;

use std::sync::Arc;

use eddy_base::{Code, Fault, Subject};
use eddy_identity::Caller;
use eddy_wire::Outgoing;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::assemble::App;

/// The service name that requests are signed for: one that SDKs know, so that any signer will do.
pub const SERVICE: &str = "sts";
/// Where it begins.
pub const PREFIX: &str = "/_eddy/v1/";

/// Answers a request that is proven to come from `caller`.
pub async fn answer(app: &Arc<App>, head: &Parts, body: &[u8], caller: &Caller) -> Response<Outgoing> {
    if !matches!(caller, Caller::Root { .. }) {
        return fault(&Fault::new(Code::Denied, Subject::Request, "only root may ask this"));
    }
    match dispatch(app, head, body).await {
        Ok(response) => response,
        Err(why) => fault(&why),
    }
}

async fn dispatch(app: &Arc<App>, head: &Parts, body: &[u8]) -> Result<Response<Outgoing>, Fault> {
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let segments: Vec<String> = path.split('/').map(unescape).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, ["events"]) => events::list(app, head).map(document),
        (&Method::GET, ["events", id]) => events::show(app, id).map(document),
        (&Method::POST, ["events", id, "resend"]) => events::resend(app, id).await.map(document),
        (&Method::POST, ["deploy"]) => deploy::deploy(app, body).await.map(document),
        (&Method::GET, ["trace"]) => trace::show(app, head).map(document),
        (&Method::GET, ["logs", "follow"]) => logs::follow(app, head),
        _ => Err(Fault::new(Code::Missing, Subject::Request, format!("there is no {} {path}", head.method))),
    }
}

/// The value of a query parameter.
fn parameter(head: &Parts, name: &str) -> Option<String> {
    let pairs = head.uri.query().unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| unescape(value))
}

fn unescape(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn document(document: Value) -> Response<Outgoing> {
    json_response(StatusCode::OK, &document)
}

/// An error as this API says it: a status, a code and a sentence.
pub fn fault(fault: &Fault) -> Response<Outgoing> {
    let status = match fault.code {
        Code::Missing => StatusCode::NOT_FOUND,
        Code::Denied | Code::Unauthenticated => StatusCode::FORBIDDEN,
        Code::Conflict | Code::Exists | Code::ConditionFailed | Code::NotEmpty => StatusCode::CONFLICT,
        Code::Invalid | Code::TooLarge | Code::Unsupported | Code::LimitExceeded => StatusCode::BAD_REQUEST,
        Code::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Code::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
        Code::Unavailable | Code::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal | Code::FunctionFailed => StatusCode::INTERNAL_SERVER_ERROR,
    };
    json_response(status, &json!({ "code": format!("{:?}", fault.code), "message": fault.message }))
}

/// A JSON document as an answer.
pub fn json_response(status: StatusCode, document: &Value) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(bytes::Bytes::from(document.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
