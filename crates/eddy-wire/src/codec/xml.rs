//! XML bodies: restXml both ways, and the answers of awsQuery.

use super::tree::{Element, escape, escape_attribute};
use super::{Trouble, scalar};
use crate::schema::{Kind, ListShape, Location, MapShape, Member, Shape, TimeFormat};
use crate::{Document, Struct};

/// Which of a member's names stand in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Rest,
    Query,
}

impl Names {
    fn of(self, member: &Member) -> &'static str {
        match self {
            Names::Rest => member.wire_name,
            Names::Query => member.query_name,
        }
    }

    /// The element of a member, or of each element of one that is flattened.
    fn element(self, member: &Member) -> &'static str {
        member.flat_name().unwrap_or_else(|| self.of(member))
    }
}

/// Reads a structure whose root element is `root`. It lacks no element that its model requires: what the model says of
/// XML is the published schema, and a document that breaks it is as wrong as one that cannot be parsed.
pub(super) fn read(shape: &'static Shape, root: &str, body: &[u8]) -> Result<Document, Trouble> {
    let element = Element::parse(body).map_err(Trouble::Malformed)?;
    if element.name != root {
        return Err(Trouble::Malformed(format!("the root element is {} and not {root}", element.name)));
    }
    read_structure(shape, &element)
}

fn read_value(shape: &'static Shape, element: &Element) -> Result<Document, Trouble> {
    match &shape.kind {
        Kind::Struct(_) => read_structure(shape, element),
        Kind::List(list) => read_list(list, element.children.iter()),
        Kind::Map(map) => read_map(map, element.children.iter()),
        kind => {
            let text = if matches!(kind, Kind::Text) { &element.text } else { element.text.trim() };
            scalar::parse(kind, text).ok_or_else(|| {
                Trouble::WrongType(format!("{} is no {}", element.name, Document::kind_name(kind)))
            })
        }
    }
}

fn read_structure(shape: &'static Shape, element: &Element) -> Result<Document, Trouble> {
    let mut value = Struct::new(shape);
    for (index, member) in shape.structure().members.iter().enumerate() {
        if member.location != Location::Body {
            continue;
        }
        let name = Names::Rest.of(member);
        if member.xml_attribute {
            if let Some(text) = element.attribute(name) {
                value.put(index, Document::Text(text.to_owned()));
            }
        } else if member.flattened {
            let named =
                |child: &&Element| child.name == name || Some(child.name.as_str()) == member.flat_name();
            let mut children = element.children.iter().filter(named).peekable();
            if children.peek().is_some() {
                value.put(index, read_flat(member, children)?);
            }
        } else if let Some(child) = element.child(name) {
            value.put(index, read_value(member.shape.get(), child)?);
        }
        if member.required && value.at(index).is_none() {
            return Err(Trouble::Malformed(format!("{} has no {name}", element.name)));
        }
    }
    Ok(Document::Struct(value))
}

fn read_flat<'e>(member: &Member, children: impl Iterator<Item = &'e Element>) -> Result<Document, Trouble> {
    match &member.shape.get().kind {
        Kind::List(list) => read_list(list, children),
        Kind::Map(map) => read_map(map, children),
        other => Err(Trouble::Malformed(format!("{} is flattened and {other:?}", member.name))),
    }
}

fn read_list<'e>(list: &ListShape, children: impl Iterator<Item = &'e Element>) -> Result<Document, Trouble> {
    let items = children.map(|child| read_value(list.element.get(), child));
    Ok(Document::List(items.collect::<Result<_, _>>()?))
}

fn read_map<'e>(map: &MapShape, children: impl Iterator<Item = &'e Element>) -> Result<Document, Trouble> {
    let mut entries = Vec::new();
    for entry in children {
        let key = entry.child(map.key_name).map(|key| key.text.clone());
        let value = entry.child(map.value_name);
        let (Some(key), Some(value)) = (key, value) else {
            return Err(Trouble::Malformed(format!("{} has no key or no value", entry.name)));
        };
        entries.push((key, read_value(map.value.get(), value)?));
    }
    Ok(Document::Map(entries))
}

/// Writes a structure as an element, with `attributes` as they stand.
pub(super) fn write_root(value: &Struct, name: &str, attributes: &str, names: Names, out: &mut String) {
    let writer = Writer { names };
    writer.structure(name, attributes, value, out);
}

/// Writes the members of a structure that are elements, without one around them.
pub(super) fn write_members(
    value: &Struct,
    names: Names,
    is_wanted: impl Fn(&Member) -> bool,
    out: &mut String,
) {
    let writer = Writer { names };
    for (index, member) in value.structure().members.iter().enumerate() {
        let stands_here = member.location == Location::Body && !member.xml_attribute;
        if let Some(inner) = value.at(index).filter(|_| stands_here && is_wanted(member)) {
            writer.member(member, inner, out);
        }
    }
}

struct Writer {
    names: Names,
}

impl Writer {
    fn structure(&self, name: &str, attributes: &str, value: &Struct, out: &mut String) {
        out.push('<');
        out.push_str(name);
        out.push_str(attributes);
        if let Some((prefix, uri)) = value.structure().namespace {
            out.push_str(&format!(" xmlns:{prefix}=\"{uri}\""));
        }
        for (member, inner) in value.iter().filter(|(member, _)| member.xml_attribute) {
            out.push_str(&format!(" {}=\"", member.wire_name));
            escape_attribute(&scalar::write(inner, TimeFormat::Iso8601).unwrap_or_default(), out);
            out.push('"');
        }
        out.push('>');
        write_members(value, self.names, |_| true, out);
        close(name, out);
    }

    fn member(&self, member: &Member, value: &Document, out: &mut String) {
        let shape = member.shape.get();
        match (value, &shape.kind) {
            (Document::List(items), Kind::List(list)) if member.flattened => {
                let name = self.names.element(member);
                items.iter().for_each(|item| self.value(list.element.get(), name, item, out));
            }
            (Document::Map(entries), Kind::Map(map)) if member.flattened => {
                self.entries(map, self.names.of(member), entries, out);
            }
            _ => self.value(shape, self.names.of(member), value, out),
        }
    }

    fn value(&self, shape: &'static Shape, name: &str, value: &Document, out: &mut String) {
        match (value, &shape.kind) {
            (Document::Struct(inner), _) => self.structure(name, "", inner, out),
            (Document::List(items), Kind::List(list)) => {
                open(name, out);
                let element = list.element_name.unwrap_or("member");
                items.iter().for_each(|item| self.value(list.element.get(), element, item, out));
                close(name, out);
            }
            (Document::Map(entries), Kind::Map(map)) => {
                open(name, out);
                self.entries(map, "entry", entries, out);
                close(name, out);
            }
            (scalar, kind) => {
                open(name, out);
                let format = scalar::time_format(kind, TimeFormat::Iso8601);
                match scalar {
                    // S3 writes milliseconds always, the services of awsQuery only where there are any.
                    Document::Time(time) if self.names == Names::Rest && format == TimeFormat::Iso8601 => {
                        out.push_str(&time.iso8601());
                    }
                    other => escape(&scalar::write(other, format).unwrap_or_default(), out),
                }
                close(name, out);
            }
        }
    }

    fn entries(&self, map: &MapShape, name: &str, entries: &[(String, Document)], out: &mut String) {
        for (key, value) in entries {
            open(name, out);
            write_text(map.key_name, key, out);
            self.value(map.value.get(), map.value_name, value, out);
            close(name, out);
        }
    }
}

fn open(name: &str, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// `<name>text</name>`, escaped.
pub(super) fn write_text(name: &str, text: &str, out: &mut String) {
    open(name, out);
    escape(text, out);
    close(name, out);
}
