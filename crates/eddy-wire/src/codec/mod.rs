//! Between bytes and documents: one file a protocol, and this page that chooses among them.
//!
//! Whatever a client sends, `decode` answers a document or an [`Error`] with a status of 4xx; it never panics.
//! What the model does not know is skipped, as Amazon does; constraints are not looked at here.

mod cbor;
mod errors;
mod form;
mod json;
mod rest;
#[cfg(test)]
mod round_trip;
mod scalar;
mod tree;
mod xml;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode, request::Parts};

pub use errors::encode_error;
pub(crate) use form::pairs;

use crate::schema::{Codes, Operation, Service, Shape, common_status};
use crate::{Document, Error, Protocol, Routed, Struct, event_stream};

/// Why a message cannot be read.
#[derive(Debug)]
enum Trouble {
    /// It does not follow the syntax.
    Malformed(String),
    /// A value has another type than the model's.
    WrongType(String),
    /// A header, label or query key has a value that cannot be.
    Binding(String),
}

impl Trouble {
    fn error(self, codes: &Codes) -> Error {
        let (code, message) = match self {
            // S3 says the same sentence whatever is wrong.
            Trouble::Malformed(_) | Trouble::WrongType(_) if codes.malformed == "MalformedXML" => {
                return malformed_xml();
            }
            Trouble::Malformed(why) => (codes.malformed, format!("Could not parse the request: {why}")),
            Trouble::WrongType(why) => (codes.wrong_type, why),
            Trouble::Binding(why) => (codes.invalid, why),
        };
        Error::new(code, message)
    }
}

/// What S3 says of every document that does not follow its schema.
pub(crate) fn malformed_xml() -> Error {
    let text = "The XML you provided was not well-formed or did not validate against our published schema";
    Error::new("MalformedXML", text)
}

/// Reads a request's input: body, and in REST protocols labels, query and headers. A member that streams is
/// left out. An operation without input gives an empty map. A body that may be compressed is to be
/// [inflated](crate::inflate) before.
///
/// # Errors
/// The service's own for a body that cannot be parsed, and for a value of a wrong type.
pub fn decode(routed: &Routed, protocol: Protocol, head: &Parts, body: Bytes) -> Result<Document, Error> {
    let operation = routed.operation;
    let Some(input) = operation.input else { return Ok(Document::Map(Vec::new())) };
    let shape = input.get();
    let document = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => json::read(shape, &body),
        Protocol::Cbor => cbor::read(shape, &body),
        Protocol::Query => read_form(shape, head, &body),
        Protocol::RestJson => rest::read(routed, rest::Body::Json, head, body),
        Protocol::RestXml => rest::read(routed, rest::Body::Xml, head, body),
    };
    document.map_err(|trouble| trouble.error(&operation.facts.codes))
}

fn read_form(shape: &'static Shape, head: &Parts, body: &[u8]) -> Result<Document, Trouble> {
    let body = std::str::from_utf8(body).map_err(|_| Trouble::Malformed("not UTF-8".to_owned()))?;
    form::read(shape, &[head.uri.query().unwrap_or_default(), body.trim_end_matches(['\r', '\n'])])
}

/// Writes an answer: status, headers and body. The body of a streaming member is left out, as is the rest of an
/// event stream after its first frame; whoever serves puts them in.
///
/// A document that does not fit its model, or holds what no header can, gives a 500.
pub fn encode(
    operation: &Operation,
    protocol: Protocol,
    document: Document,
    request_id: &str,
) -> Response<Bytes> {
    match answer(operation, protocol, document, request_id) {
        Ok(response) => response,
        Err(why) => encode_error(operation.service(), protocol, &why, request_id, false),
    }
}

fn answer(
    operation: &Operation,
    protocol: Protocol,
    document: Document,
    request_id: &str,
) -> Result<Response<Bytes>, Error> {
    let output = match (operation.output, document) {
        (Some(shape), Document::Struct(output)) if std::ptr::eq(output.shape(), shape.get()) => Some(output),
        (Some(shape), Document::Null) => Some(Struct::new(shape.get())),
        (Some(shape), Document::Map(none)) if none.is_empty() => Some(Struct::new(shape.get())),
        (None, Document::Null) => None,
        (None, Document::Map(none)) if none.is_empty() => None,
        (_, other) => {
            return Err(Error::internal(format!(
                "{} answers {other:?}, which is not its output",
                operation.name
            )));
        }
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = operation.http.status;
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => write_json(operation, protocol, output, &mut response),
        Protocol::Cbor => write_cbor(operation, output, &mut response),
        Protocol::Query => write_query(operation, output, request_id, &mut response),
        Protocol::RestJson => rest::write(operation, rest::Body::Json, output, &mut response)?,
        Protocol::RestXml => rest::write(operation, rest::Body::Xml, output, &mut response)?,
    }
    stamp(protocol, request_id, response.headers_mut());
    Ok(response)
}

fn write_json(
    operation: &Operation,
    protocol: Protocol,
    output: Option<Struct>,
    response: &mut Response<Bytes>,
) {
    set_type(response, media_type(protocol));
    let Some(output) = output else { return };
    let mut body = Vec::new();
    json::write(&Document::Struct(output), &mut body);
    put_rpc_body(operation, media_type(protocol), body, response);
}

fn write_cbor(operation: &Operation, output: Option<Struct>, response: &mut Response<Bytes>) {
    set_type(response, media_type(Protocol::Cbor));
    let Some(output) = output else { return };
    let body = cbor::write(&Document::Struct(output));
    put_rpc_body(operation, media_type(Protocol::Cbor), body, response);
}

/// In RPC protocols what an event stream's output holds besides the stream is the payload of its first frame.
fn put_rpc_body(operation: &Operation, media: &'static str, body: Vec<u8>, response: &mut Response<Bytes>) {
    if operation.event_stream_output().is_none() {
        *response.body_mut() = body.into();
        return;
    }
    set_type(response, event_stream::MEDIA_TYPE);
    *response.body_mut() = event_stream::initial_response(media, &body);
}

fn write_query(
    operation: &Operation,
    output: Option<Struct>,
    request_id: &str,
    response: &mut Response<Bytes>,
) {
    let name = operation.name;
    let namespace = operation.facts.xml_namespace.unwrap_or_default();
    let mut body = format!("<{name}Response xmlns=\"{namespace}\">");
    if let Some(output) = output {
        let wrapper = operation.result_wrapper.map_or_else(|| format!("{name}Result"), str::to_owned);
        xml::write_root(&output, &wrapper, "", xml::Names::Query, &mut body);
    }
    body.push_str("<ResponseMetadata>");
    xml::write_text("RequestId", request_id, &mut body);
    body.push_str(&format!("</ResponseMetadata></{name}Response>"));
    set_type(response, media_type(Protocol::Query));
    *response.body_mut() = body.into();
}

/// What a body of this protocol is declared as.
fn media_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 => "application/x-amz-json-1.0",
        Protocol::AwsJson11 => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
        Protocol::Query => "text/xml",
        Protocol::Cbor => "application/cbor",
    }
}

fn set_type(response: &mut Response<Bytes>, media: &'static str) {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
}

/// The headers that every answer of a protocol has. S3's two request ids are its server's to set.
fn stamp(protocol: Protocol, request_id: &str, headers: &mut HeaderMap) {
    if protocol == Protocol::Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    if protocol != Protocol::RestXml
        && let Ok(id) = HeaderValue::from_str(request_id)
    {
        headers.insert("x-amzn-requestid", id);
    }
}

/// The status of an error: what it says itself, what the model says, what such errors have in common.
fn status_of(service: &Service, protocol: Protocol, error: &Error) -> StatusCode {
    let modelled = || service.error(&error.code).map(|shape| shape.status);
    let common = || {
        let status = common_status(service.name, &error.code).unwrap_or(StatusCode::BAD_REQUEST);
        let is_rpc = matches!(protocol, Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::Cbor);
        // The RPC services know one status for whatever the sender did wrong.
        if is_rpc && status.is_client_error() { StatusCode::BAD_REQUEST } else { status }
    };
    error.status.or_else(modelled).unwrap_or_else(common)
}

/// What frames of an event stream carry in this protocol: media type and body of a structure.
pub(crate) fn event_body(protocol: Protocol, value: &Struct) -> (&'static str, Vec<u8>) {
    let body = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => {
            let mut body = Vec::new();
            json::write(&Document::Struct(value.clone()), &mut body);
            body
        }
        Protocol::Cbor => cbor::write(&Document::Struct(value.clone())),
        Protocol::RestXml | Protocol::Query => {
            let mut body = String::new();
            xml::write_root(value, value.shape().name, "", xml::Names::Rest, &mut body);
            body.into_bytes()
        }
    };
    let media = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => "application/json",
        Protocol::Cbor => "application/cbor",
        Protocol::RestXml | Protocol::Query => "text/xml",
    };
    (media, body)
}
