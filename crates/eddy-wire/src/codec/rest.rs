//! REST bindings: what of an input or output stands in labels, query, headers, status and body.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode, request::Parts};

use super::{Trouble, form, json, scalar, set_type, xml};
use crate::schema::{Kind, ListShape, Location, Member, Operation, Structure, TimeFormat};
use crate::{Document, Error, Routed, Struct, event_stream};

/// What the structured part of a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Json,
    Xml,
}

/// Reads an input.
pub(super) fn read(routed: &Routed, kind: Body, head: &Parts, body: Bytes) -> Result<Document, Trouble> {
    let operation = routed.operation;
    let input = operation.input.expect("whoever asks has seen that there is an input").get();
    let structure = input.structure();
    let mut value = match structure.payload_member() {
        Some(_) => Struct::new(input),
        None => read_members(operation, kind, &body)?,
    };
    if let Some((index, member)) = structure.payload_member().filter(|(_, member)| !member.streaming) {
        value.put(index, read_payload(member, kind, body)?);
    }
    let query = form::pairs(head.uri.query().unwrap_or_default())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| Trouble::Binding(format!("the query string is {why}")))?;
    let source = Source { routed, head, query: &query, hoisted: kind == Body::Xml };
    for (index, member) in structure.members.iter().enumerate() {
        if let Some(inner) = source.member(member, structure)? {
            value.put(index, inner);
        }
    }
    Ok(Document::Struct(value))
}

/// The members whose place is the body, where no payload takes all of it.
fn read_members(operation: &Operation, kind: Body, body: &[u8]) -> Result<Struct, Trouble> {
    let input = operation.input.expect("whoever asks has seen that there is an input").get();
    if !input.structure().has_body() || body.is_empty() {
        return Ok(Struct::new(input));
    }
    let document = match kind {
        Body::Json => json::read(input, body)?,
        Body::Xml => xml::read(input, operation.input_root.unwrap_or(input.name), body)?,
    };
    match document {
        Document::Struct(value) => Ok(value),
        other => Err(Trouble::Malformed(format!("{other:?} is no structure"))),
    }
}

fn read_payload(member: &Member, kind: Body, body: Bytes) -> Result<Document, Trouble> {
    let shape = member.shape.get();
    match (&shape.kind, kind) {
        (Kind::Blob, _) if !body.is_empty() || member.required => Ok(Document::Blob(body)),
        _ if body.is_empty() => Ok(Document::Null),
        (Kind::Text, _) => match String::from_utf8(body.into()) {
            Ok(text) => Ok(Document::Text(text)),
            Err(_) => Err(Trouble::Malformed("not UTF-8".to_owned())),
        },
        (_, Body::Json) => json::read(shape, &body),
        (_, Body::Xml) => xml::read(shape, member.wire_name, &body),
    }
}

/// Where the bindings of one request are looked up.
struct Source<'a> {
    routed: &'a Routed,
    head: &'a Parts,
    query: &'a [form::Pair<'a>],
    /// Presigned URLs may carry headers as query keys (S3).
    hoisted: bool,
}

impl Source<'_> {
    fn member(&self, member: &'static Member, all: &Structure) -> Result<Option<Document>, Trouble> {
        let kind = &member.shape.get().kind;
        match member.location {
            Location::Body | Location::Status => Ok(None),
            Location::Label => {
                self.routed.label(member.wire_name).map(|text| single(member, kind, text)).transpose()
            }
            Location::Query => match kind {
                Kind::Map(_) => Ok(Some(self.leftover(all)).filter(|map| *map != Document::Map(Vec::new()))),
                Kind::List(list) => {
                    let items = self.values(member.wire_name);
                    let items = items.map(|text| single(member, &list.element.get().kind, text));
                    let items = items.collect::<Result<Vec<_>, _>>()?;
                    Ok((!items.is_empty()).then_some(Document::List(items)))
                }
                _ => self.values(member.wire_name).next().map(|text| single(member, kind, text)).transpose(),
            },
            Location::Header => {
                let text = self.header(member.wire_name)?;
                text.map(|text| header_value(member, &text)).transpose()
            }
            Location::Headers => self
                .prefixed(member.wire_name)
                .map(|map| map.filter(|entries| *entries != Document::Map(Vec::new()))),
        }
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(found, _)| found == key).map(|(_, value)| &**value)
    }

    /// The query keys that no other member has: `parameters` of API Gateway's imports and exports.
    fn leftover(&self, all: &Structure) -> Document {
        let fixed = &self.routed.operation.http.uri.query;
        let is_bound = |key: &str| {
            all.members.iter().any(|member| member.location == Location::Query && member.wire_name == key)
                || fixed.iter().any(|(fixed, _)| *fixed == key)
                || key.to_ascii_lowercase().starts_with("x-amz-")
        };
        let free = self.query.iter().filter(|(key, _)| !is_bound(key));
        Document::Map(free.map(|(key, value)| (key.to_string(), Document::Text(value.to_string()))).collect())
    }

    fn header(&self, name: &str) -> Result<Option<String>, Trouble> {
        if let Some(value) = self.head.headers.get(name) {
            return utf8(name, value).map(Some);
        }
        let lower = name.to_ascii_lowercase();
        let may_be_hoisted = self.hoisted && (lower.starts_with("x-amz-") || lower.starts_with("content-"));
        if !may_be_hoisted {
            return Ok(None);
        }
        let found = self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        Ok(found.map(|(_, value)| value.to_string()))
    }

    fn prefixed(&self, prefix: &str) -> Result<Option<Document>, Trouble> {
        let prefix = prefix.to_ascii_lowercase();
        let mut entries = Vec::new();
        for name in self.head.headers.keys() {
            let Some(rest) = name.as_str().strip_prefix(&prefix).filter(|rest| !rest.is_empty()) else {
                continue;
            };
            // Of several headers of one name S3 makes one value.
            let values = self.head.headers.get_all(name).iter().map(|value| utf8(name.as_str(), value));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            entries.push((rest.to_owned(), Document::Text(values.join(","))));
        }
        if self.hoisted {
            for (key, value) in self.query {
                let key = key.to_ascii_lowercase();
                let Some(rest) = key.strip_prefix(&prefix).filter(|rest| !rest.is_empty()) else { continue };
                // As with any header: itself goes before the query, and there the first goes before others.
                if !entries.iter().any(|(known, _)| known == rest) {
                    entries.push((rest.to_owned(), Document::Text(value.to_string())));
                }
            }
        }
        Ok(Some(Document::Map(entries)))
    }
}

fn utf8(name: &str, value: &HeaderValue) -> Result<String, Trouble> {
    let text = std::str::from_utf8(value.as_bytes());
    text.map(|text| text.trim().to_owned()).map_err(|_| Trouble::Binding(format!("{name} is not UTF-8")))
}

fn single(member: &Member, kind: &Kind, text: &str) -> Result<Document, Trouble> {
    scalar::parse(kind, text).ok_or_else(|| {
        let name = member.wire_name;
        Trouble::Binding(match kind {
            Kind::Integer | Kind::Long => {
                format!("Provided {name} not an integer or within integer range")
            }
            other => format!("Provided {name} is no {}", Document::kind_name(other)),
        })
    })
}

fn header_value(member: &Member, text: &str) -> Result<Document, Trouble> {
    let Kind::List(list) = &member.shape.get().kind else {
        return single(member, &member.shape.get().kind, text);
    };
    let items = split_list(text).into_iter().map(|item| single(member, &list.element.get().kind, &item));
    Ok(Document::List(items.collect::<Result<_, _>>()?))
}

/// The elements of a header's list; one with a comma stands in quotes.
fn split_list(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut quoted = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => item.extend(characters.next()),
            ',' if !quoted => items.push(std::mem::take(&mut item).trim().to_owned()),
            other => item.push(other),
        }
    }
    items.push(item.trim().to_owned());
    items.retain(|item| !item.is_empty());
    items
}

/// Writes an output.
pub(super) fn write(
    operation: &Operation,
    kind: Body,
    output: Option<Struct>,
    response: &mut Response<Bytes>,
) -> Result<(), Error> {
    let Some(output) = output else { return Ok(()) };
    write_head(&output, response)?;
    let structure = output.structure();
    if operation.event_stream_output().is_some() {
        set_type(response, event_stream::MEDIA_TYPE);
        return Ok(());
    }
    if let Some((index, member)) = structure.payload_member() {
        if let Some(payload) = output.at(index).filter(|_| !member.streaming) {
            write_payload(operation, kind, member, payload, response);
        }
        return Ok(());
    }
    if structure.has_body() {
        write_members(operation, kind, &output, response);
    }
    Ok(())
}

fn write_payload(
    operation: &Operation,
    kind: Body,
    member: &Member,
    payload: &Document,
    response: &mut Response<Bytes>,
) {
    match payload {
        Document::Blob(bytes) => {
            *response.body_mut() = bytes.clone();
            default_type(response, "application/octet-stream");
        }
        // The only text that is a whole body is S3's bucket policy.
        Document::Text(text) => {
            *response.body_mut() = Bytes::copy_from_slice(text.as_bytes());
            default_type(response, "application/json");
        }
        Document::Struct(inner) => {
            let root = operation.output_root.unwrap_or(member.wire_name);
            *response.body_mut() = structured(operation, kind, inner, root).into();
            default_type(response, media(kind));
        }
        Document::Null
        | Document::Bool(_)
        | Document::Int(_)
        | Document::Float(_)
        | Document::Time(_)
        | Document::List(_)
        | Document::Map(_) => {}
    }
}

fn write_members(operation: &Operation, kind: Body, output: &Struct, response: &mut Response<Bytes>) {
    let root = operation.output_root.unwrap_or(output.shape().name);
    let body = if operation.unwrapped {
        let only = output.iter().next().and_then(|(_, value)| scalar::write(value, TimeFormat::Iso8601));
        let mut text = prolog();
        text.push_str(&format!("<{root}{}>", namespace(operation)));
        super::tree::escape(&only.unwrap_or_default(), &mut text);
        text.push_str(&format!("</{root}>"));
        text.into_bytes()
    } else {
        structured(operation, kind, output, root)
    };
    *response.body_mut() = body.into();
    default_type(response, media(kind));
}

fn structured(operation: &Operation, kind: Body, value: &Struct, root: &str) -> Vec<u8> {
    match kind {
        Body::Json => {
            let mut body = Vec::new();
            json::write(&Document::Struct(value.clone()), &mut body);
            body
        }
        Body::Xml => {
            let mut body = prolog();
            xml::write_root(value, root, &namespace(operation), xml::Names::Rest, &mut body);
            body.into_bytes()
        }
    }
}

fn media(kind: Body) -> &'static str {
    match kind {
        Body::Json => "application/json",
        Body::Xml => "application/xml",
    }
}

fn prolog() -> String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned()
}

fn namespace(operation: &Operation) -> String {
    operation.facts.xml_namespace.map(|uri| format!(" xmlns=\"{uri}\"")).unwrap_or_default()
}

/// An output may name its own type in a header.
fn default_type(response: &mut Response<Bytes>, media: &'static str) {
    if !response.headers().contains_key(CONTENT_TYPE) {
        set_type(response, media);
    }
}

/// Writes the members that stand in the status and the headers.
pub(super) fn write_head(value: &Struct, response: &mut Response<Bytes>) -> Result<(), Error> {
    for (member, inner) in value.iter() {
        match (member.location, inner) {
            (Location::Status, Document::Int(code)) => {
                let status = u16::try_from(*code).ok().and_then(|code| StatusCode::from_u16(code).ok());
                *response.status_mut() = status.ok_or_else(|| no_header(member.name))?;
            }
            (Location::Header, inner) => {
                if let Some(text) = header_text(member, inner) {
                    put_header(member.wire_name, &text, response)?;
                }
            }
            (Location::Headers, Document::Map(entries)) => {
                for (key, inner) in entries {
                    let text = scalar::write(inner, TimeFormat::HttpDate).unwrap_or_default();
                    put_header(&format!("{}{key}", member.wire_name), &text, response)?;
                }
            }
            (
                Location::Body | Location::Query | Location::Label | Location::Status | Location::Headers,
                _,
            ) => {}
        }
    }
    Ok(())
}

fn put_header(name: &str, text: &str, response: &mut Response<Bytes>) -> Result<(), Error> {
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| no_header(name))?;
    let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| no_header(name))?;
    response.headers_mut().insert(key, value);
    Ok(())
}

fn no_header(name: &str) -> Error {
    Error::internal(format!("the value of {name} can stand in no header"))
}

fn header_text(member: &Member, value: &Document) -> Option<String> {
    match (value, &member.shape.get().kind) {
        (Document::List(items), Kind::List(list)) => Some(join_list(items, list)),
        (value, kind) => scalar::write(value, scalar::time_format(kind, TimeFormat::HttpDate)),
    }
}

fn join_list(items: &[Document], list: &ListShape) -> String {
    let format = scalar::time_format(&list.element.get().kind, TimeFormat::HttpDate);
    let items = items.iter().filter_map(|item| scalar::write(item, format)).map(|text| {
        if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\\\"")) } else { text }
    });
    items.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_headers_come_apart() {
        assert_eq!(split_list("a, b ,\"c,d\\\"e\",,"), ["a", "b", "c,d\"e"]);
        assert!(split_list(" ").is_empty());
    }
}
