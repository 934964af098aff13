//! Answers to what eddy does not serve, in words that the client's library can read.

use eddy_base::Id;
use eddy_wire::{Error, Outgoing, Protocol, encode_error, schema};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};

/// An operation of a known service that the table lacks.
pub(super) fn operation(facts: &schema::Facts, protocol: Protocol, name: &str) -> Error {
    let message = format!("eddy does not support {}:{name} yet", facts.name);
    if protocol == Protocol::RestXml {
        return Error::new(facts.codes.unsupported, message).with_status(StatusCode::NOT_IMPLEMENTED);
    }
    let status = if protocol == Protocol::RestJson { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
    Error::new(facts.codes.unknown_operation, message).with_status(status)
}

/// A service of which there is no table. The protocol is a guess from the request, and another service of that
/// protocol lends its form.
pub(super) fn service(name: &str, protocol: Protocol, id: &Id, method: &Method) -> Response<Outgoing> {
    let lender = match protocol {
        Protocol::Query => "sts",
        Protocol::RestXml => "s3",
        Protocol::RestJson => "lambda",
        Protocol::AwsJson10 => "dynamodb",
        Protocol::AwsJson11 => "logs",
        Protocol::Cbor => "cloudwatch",
    };
    let lender = schema::service(lender).expect("its schema is embedded");
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
    let message = format!("eddy does not support the service {name}");
    let error = if protocol == Protocol::RestXml {
        Error::new("NotImplemented", message).with_status(StatusCode::NOT_IMPLEMENTED)
    } else {
        Error::new(lender.codes.unknown_operation, message)
    };
    let head = *method == Method::HEAD;
    encode_error(lender, protocol, &error, &id.to_string(), head).map(Outgoing::from)
}

/// Google's clients: not yet, in their own form.
pub(super) fn google(grpc: bool) -> Response<Outgoing> {
    const TEXT: &str = "eddy does not serve Google's APIs yet";
    let mut response = Response::new(Outgoing::empty());
    let headers = response.headers_mut();
    if grpc {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static("12"));
        headers.insert("grpc-message", HeaderValue::from_static("eddy does not serve Google%27s APIs yet"));
        return response;
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    let body = format!(r#"{{"error":{{"code":501,"message":"{TEXT}","status":"UNIMPLEMENTED"}}}}"#);
    *response.body_mut() = bytes::Bytes::from(body).into();
    response
}
