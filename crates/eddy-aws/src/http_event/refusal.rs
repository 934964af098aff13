//! The services' own answers.

use bytes::Bytes;
use eddy_base::Id;
use eddy_gateway::{Front, Refusal};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// What an API or a URL answers when no function does.
pub(super) fn response(front: Front, refusal: Refusal) -> Response<Bytes> {
    let (status, body) = match front {
        Front::Api => api(refusal),
        Front::Url => url(refusal),
    };
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn api(refusal: Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::NotFound => (StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#),
        Refusal::Malformed => (StatusCode::BAD_REQUEST, r#"{"message":"Bad Request"}"#),
        Refusal::Forbidden => (StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Entity Too Large"}"#),
        Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#),
        Refusal::Late | Refusal::Throttled | Refusal::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"Service Unavailable"}"#)
        }
    }
}

fn url(refusal: Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::NotFound | Refusal::Forbidden => (StatusCode::FORBIDDEN, r#"{"Message":"Forbidden"}"#),
        Refusal::Malformed => (StatusCode::BAD_REQUEST, r#"{"Message":"Bad Request"}"#),
        Refusal::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            r#"{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#,
        ),
        Refusal::Throttled => (StatusCode::TOO_MANY_REQUESTS, r#"{"Message":"Rate Exceeded."}"#),
        Refusal::Failed | Refusal::Late => (StatusCode::BAD_GATEWAY, "Internal Server Error"),
        Refusal::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, r#"{"Message":"Service Unavailable"}"#),
    }
}

/// Says which request it was.
pub(super) fn stamp(front: Front, id: Id, headers: &mut HeaderMap) {
    let name = match front {
        Front::Api => HeaderName::from_static("apigw-requestid"),
        Front::Url => HeaderName::from_static("x-amzn-requestid"),
    };
    let value = HeaderValue::from_str(&id.to_string()).expect("an id is hexadecimal digits and dashes");
    headers.insert(name, value);
}
