//! What a function's answer is as HTTP.
//!
//! Format 2.0 infers: whatever is no object with a `statusCode` is the body of a 200. Format 1.0 does not, and
//! what it cannot read is the function's failure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use eddy_gateway::Malformed;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value};

/// The content type of an answer that names none: of HTTP APIs, and of function URLs.
pub(super) const TEXT: &str = "text/plain;charset=UTF-8";
pub(super) const JSON: &str = "application/json";

/// Reads an answer in format 2.0.
pub(super) fn two(answer: &[u8], default_type: &'static str) -> Result<Response<Bytes>, Malformed> {
    let value: Value = serde_json::from_slice(answer).map_err(|_| Malformed("it is not JSON"))?;
    let Value::Object(object) = &value else { return Ok(inferred(answer)) };
    if !object.contains_key("statusCode") {
        return Ok(inferred(answer));
    }
    let mut response = plain(object, default_type)?;
    for cookie in list(object, "cookies")? {
        response.headers_mut().append(header::SET_COOKIE, header_value(cookie)?);
    }
    Ok(response)
}

/// Reads an answer in format 1.0.
pub(super) fn one(answer: &[u8]) -> Result<Response<Bytes>, Malformed> {
    let value: Value = serde_json::from_slice(answer).map_err(|_| Malformed("it is not JSON"))?;
    let Value::Object(object) = &value else { return Err(Malformed("it is not an object with statusCode")) };
    let mut response = plain(object, TEXT)?;
    let many = match object.get("multiValueHeaders") {
        None | Some(Value::Null) => return Ok(response),
        Some(Value::Object(many)) => many,
        Some(_) => return Err(Malformed("multiValueHeaders is not an object")),
    };
    for (name, values) in many {
        let Value::Array(values) = values else {
            return Err(Malformed("multiValueHeaders has a value that is no list"));
        };
        let name = header_name(name)?;
        // These values stand beside a single one of the same name, unless that is among them.
        let single = response.headers().get(&name).cloned();
        for value in values {
            let value = header_value(&text(value).ok_or(Malformed("a header is neither text nor number"))?)?;
            if single.as_ref() != Some(&value) {
                append(response.headers_mut(), name.clone(), value);
            }
        }
    }
    Ok(response)
}

/// The JSON itself is the body, a string with its quotes.
fn inferred(answer: &[u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(answer));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// Status, headers and body, as both formats have them.
fn plain(object: &Map<String, Value>, default_type: &'static str) -> Result<Response<Bytes>, Malformed> {
    let mut response = Response::new(body(object)?);
    *response.status_mut() = status(object)?;
    let headers = response.headers_mut();
    match object.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(pairs)) => {
            for (name, value) in pairs {
                let value = text(value).ok_or(Malformed("a header is neither text nor number"))?;
                append(headers, header_name(name)?, header_value(&value)?);
            }
        }
        Some(_) => return Err(Malformed("headers is not an object")),
    }
    if !headers.contains_key(header::CONTENT_TYPE) && !response.body().is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(default_type));
    }
    Ok(response)
}

fn status(object: &Map<String, Value>) -> Result<StatusCode, Malformed> {
    let wrong = Malformed("statusCode is not a status of HTTP");
    let code = match object.get("statusCode") {
        Some(Value::Number(number)) => number.as_u64().and_then(|code| u16::try_from(code).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        None => return Err(Malformed("it has no statusCode")),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    // A status below 200 is not the end of an exchange, so it cannot be an answer.
    let status = code.filter(|code| *code >= 200).and_then(|code| StatusCode::from_u16(code).ok());
    status.ok_or(wrong)
}

fn body(object: &Map<String, Value>) -> Result<Bytes, Malformed> {
    let text = match object.get("body") {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(text)) => text,
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(Malformed("body is not a string"));
        }
    };
    match object.get("isBase64Encoded") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(Value::Bool(true)) => STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|_| Malformed("body is said to be base64 and is not")),
        Some(_) => Err(Malformed("isBase64Encoded is not a boolean")),
    }
}

fn list<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Vec<&'a str>, Malformed> {
    let wrong = Malformed("cookies is not a list of strings");
    match object.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => {
            values.iter().map(|value| value.as_str().ok_or(wrong.clone())).collect()
        }
        Some(_) => Err(wrong),
    }
}

/// Texts, numbers and booleans as they stand in a header.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Headers of the connection are the server's to set, not the function's.
fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let ours = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
    if !ours.contains(&name) {
        headers.append(name, value);
    }
}

fn header_name(name: &str) -> Result<HeaderName, Malformed> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Malformed("a header has a name that HTTP does not allow"))
}

fn header_value(value: &str) -> Result<HeaderValue, Malformed> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| Malformed("a header has a value that HTTP does not allow"))
}
