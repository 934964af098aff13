//! Errors on the wire: the form of each protocol, the status and the query code from the tables.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::{cbor, json, media_type, rest, scalar, set_type, stamp, status_of, xml};
use crate::schema::{ErrorShape, Kind, Service};
use crate::{Document, Error, Protocol, Struct};

/// Writes an error. `head_request` leaves out the body, since an answer to HEAD has none.
pub fn encode_error(
    service: &Service,
    protocol: Protocol,
    error: &Error,
    request_id: &str,
    head_request: bool,
) -> Response<Bytes> {
    let written = Written::new(service, protocol, error);
    let mut response = Response::new(Bytes::new());
    if let Some(value) = &written.value {
        // A field that no header can hold is left out: the error itself matters more.
        let _ = rest::write_head(value, &mut response);
    }
    *response.status_mut() = status_of(service, protocol, error);
    stamp(protocol, request_id, response.headers_mut());
    set_type(&mut response, media_type(protocol));
    if service.query_compatible && protocol != Protocol::Query {
        put(&mut response, "x-amzn-query-error", &format!("{};{}", written.query_code(), written.blame()));
    }
    let body = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => written.json(service.error_namespace),
        Protocol::RestJson => {
            put(&mut response, "x-amzn-errortype", &error.code);
            written.json_members()
        }
        Protocol::Cbor => written.cbor(service.error_namespace),
        Protocol::Query => written.query(service, request_id),
        Protocol::RestXml => written.xml(request_id),
    };
    if !head_request {
        *response.body_mut() = body.into();
    }
    response
}

fn put(response: &mut Response<Bytes>, name: &'static str, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// An error held against its shape.
struct Written<'e> {
    error: &'e Error,
    shape: Option<&'e ErrorShape>,
    is_fault: bool,
    /// The members that the model has, the message among them.
    value: Option<Struct>,
    /// The fields that it does not have.
    others: Vec<(&'e str, &'e str)>,
}

impl<'e> Written<'e> {
    fn new(service: &'e Service, protocol: Protocol, error: &'e Error) -> Written<'e> {
        let shape = service.error(&error.code);
        let status = status_of(service, protocol, error);
        let is_fault = shape.map_or(status.is_server_error(), |shape| shape.is_fault);
        let mut value = shape.map(|shape| Struct::new(shape.shape.get()));
        let mut others = Vec::new();
        let message = [("message", error.message.as_str())];
        let fields = error.fields.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        for (name, text) in message.into_iter().chain(fields) {
            if !value.as_mut().is_some_and(|value| set(value, name, text)) {
                others.push((name, text));
            }
        }
        // Lambda's errors say who is to blame in a member.
        if let Some(value) = value.as_mut().filter(|_| protocol == Protocol::RestJson)
            && value.structure().member("Type").is_some()
            && value.get("Type").is_none()
        {
            set(value, "Type", if is_fault { "Service" } else { "User" });
        }
        Written { error, shape, is_fault, value, others }
    }

    fn query_code(&self) -> &str {
        self.shape.map_or(&self.error.code, |shape| shape.query_code)
    }

    fn blame(&self) -> &'static str {
        if self.is_fault { "Receiver" } else { "Sender" }
    }

    /// All members as JSON.
    fn json_members(&self) -> Vec<u8> {
        let mut body = Vec::new();
        match &self.value {
            Some(value) => json::write(&Document::Struct(value.clone()), &mut body),
            None => body.extend_from_slice(b"{}"),
        }
        body.pop();
        for (name, text) in &self.others {
            if body.len() > 1 {
                body.push(b',');
            }
            json::write_text(name, &mut body);
            body.push(b':');
            json::write_text(text, &mut body);
        }
        body.push(b'}');
        body
    }

    fn json(&self, namespace: &str) -> Vec<u8> {
        let members = self.json_members();
        let mut body = b"{\"__type\":".to_vec();
        json::write_text(&format!("{namespace}{}", self.error.code), &mut body);
        if members.len() > 2 {
            body.push(b',');
        }
        body.extend_from_slice(&members[1..]);
        body
    }

    fn cbor(&self, namespace: &str) -> Vec<u8> {
        let code = Document::Text(format!("{namespace}{}", self.error.code));
        let modelled = self.value.iter().flat_map(Struct::iter);
        let modelled = modelled.map(|(member, value)| (member.wire_name.to_owned(), value.clone()));
        let others =
            self.others.iter().map(|(name, text)| ((*name).to_owned(), Document::Text((*text).into())));
        cbor::write(&Document::Map(
            [("__type".to_owned(), code)].into_iter().chain(modelled).chain(others).collect(),
        ))
    }

    fn query(&self, service: &Service, request_id: &str) -> Vec<u8> {
        let namespace = service.xml_namespace.unwrap_or_default();
        let mut body = format!("<ErrorResponse xmlns=\"{namespace}\"><Error>");
        xml::write_text("Type", self.blame(), &mut body);
        self.xml_members(self.query_code(), xml::Names::Query, &mut body);
        body.push_str("</Error>");
        xml::write_text("RequestId", request_id, &mut body);
        body.push_str("</ErrorResponse>");
        body.into_bytes()
    }

    fn xml(&self, request_id: &str) -> Vec<u8> {
        let mut body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>".to_owned();
        self.xml_members(&self.error.code, xml::Names::Rest, &mut body);
        xml::write_text("RequestId", request_id, &mut body);
        // As in `x-amz-id-2`, which says the same here.
        xml::write_text("HostId", request_id, &mut body);
        body.push_str("</Error>");
        body.into_bytes()
    }

    fn xml_members(&self, code: &str, names: xml::Names, body: &mut String) {
        xml::write_text("Code", code, body);
        xml::write_text("Message", &self.error.message, body);
        if let Some(value) = &self.value {
            xml::write_members(value, names, |member| !is_message(member.name), body);
        }
        for (name, text) in self.others.iter().filter(|(name, _)| !is_message(name)) {
            xml::write_text(name, text, body);
        }
    }
}

fn is_message(name: &str) -> bool {
    name.eq_ignore_ascii_case("message")
}

/// Sets a member from text; tells whether the shape has it and takes the value.
fn set(value: &mut Struct, name: &str, text: &str) -> bool {
    let members = &value.structure().members;
    let Some(index) = members.iter().position(|member| member.name.eq_ignore_ascii_case(name)) else {
        return false;
    };
    let shape = members[index].shape.get();
    let parsed = match &shape.kind {
        Kind::List(_) | Kind::Map(_) | Kind::Struct(_) => json::read(shape, text.as_bytes()).ok(),
        kind => scalar::parse(kind, text),
    };
    let Some(parsed) = parsed else { return false };
    value.put(index, parsed);
    true
}
