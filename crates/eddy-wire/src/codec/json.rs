//! JSON bodies: awsJson whole, restJson where a member's place is the body.
//!
//! Reads straight from the bytes into the document, guided by the shape, with no tree between. Members that
//! the model does not know are skipped, nulls count as not there.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Trouble, scalar};
use crate::limits::DEPTH_MAX;
use crate::schema::{Kind, Location, Shape, TimeFormat};
use crate::{Document, Struct, time};

/// Reads a body. An empty one is an empty structure.
pub(super) fn read(shape: &'static Shape, body: &[u8]) -> Result<Document, Trouble> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Document::Struct(Struct::new(shape)));
    }
    let said = RefCell::new(None);
    let mut json = serde_json::Deserializer::from_slice(body);
    let seed = Seed { shape, depth: DEPTH_MAX, said: &said };
    let read = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    match (read, said.take()) {
        (Ok(Document::Null), _) => Ok(Document::Struct(Struct::new(shape))),
        (Ok(value), _) => Ok(value),
        (Err(_), Some(trouble)) => Err(trouble),
        (Err(why), None) => Err(Trouble::Malformed(why.to_string())),
    }
}

/// Reads one value that stands where `shape` is expected.
struct Seed<'c> {
    shape: &'static Shape,
    depth: usize,
    /// What is wrong in our words; serde's own error only says where.
    said: &'c RefCell<Option<Trouble>>,
}

impl Seed<'_> {
    fn refuse<E: serde::de::Error>(&self, text: String) -> E {
        *self.said.borrow_mut() = Some(Trouble::WrongType(text));
        E::custom("")
    }

    /// A single value stands where something else is expected.
    fn mismatch<E: serde::de::Error>(&self, token: &str) -> E {
        let text = match &self.shape.kind {
            Kind::List(_) => "Expected list or null".to_owned(),
            Kind::Map(_) | Kind::Struct(_) => "Expected map or null".to_owned(),
            kind => {
                let name = Document::kind_name(kind);
                let article = if name.starts_with('I') { "an" } else { "a" };
                format!("{token}_VALUE can not be converted to {article} {name}")
            }
        };
        self.refuse(text)
    }

    fn below<E: serde::de::Error>(&self, shape: &'static Shape) -> Result<Seed<'_>, E> {
        if self.depth == 0 {
            return Err(self.refuse("The document is nested too deeply".to_owned()));
        }
        Ok(Seed { shape, depth: self.depth - 1, said: self.said })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Document::kind_name(&self.shape.kind))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Document, E> {
        match self.shape.kind {
            Kind::Bool => Ok(Document::Bool(value)),
            _ => Err(self.mismatch(if value { "TRUE" } else { "FALSE" })),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Document, E> {
        #[expect(clippy::cast_precision_loss, reason = "a float was asked for")]
        let float = value as f64;
        match self.shape.kind {
            Kind::Integer if i32::try_from(value).is_err() => {
                Err(self.refuse(format!("{value} is out of range of an Integer")))
            }
            Kind::Integer | Kind::Long => Ok(Document::Int(value)),
            Kind::Float | Kind::Double => Ok(Document::Float(float)),
            Kind::Time(_) => self.seconds(float),
            _ => Err(self.mismatch("NUMBER")),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Document, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "too large for an integer, so only floats take it"
            )]
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Document, E> {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        match self.shape.kind {
            Kind::Float | Kind::Double => Ok(Document::Float(value)),
            Kind::Time(_) => self.seconds(value),
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            Kind::Integer | Kind::Long if value.fract() == 0.0 && value.abs() < EXACT_MAX => {
                self.visit_i64(value as i64)
            }
            _ => Err(self.mismatch("NUMBER")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Document, E> {
        match &self.shape.kind {
            Kind::Text => Ok(Document::Text(value.to_owned())),
            Kind::Blob => scalar::unbase64(value)
                .map(Document::Blob)
                .ok_or_else(|| self.refuse("Invalid base64 in a Blob".to_owned())),
            Kind::Float | Kind::Double if matches!(value, "NaN" | "Infinity" | "-Infinity") => {
                Ok(scalar::float(value).map_or(Document::Null, Document::Float))
            }
            Kind::Time(_) => time::parse(value).map(Document::Time).ok_or_else(|| self.mismatch("STRING")),
            _ => Err(self.mismatch("STRING")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let Kind::List(list) = &self.shape.kind else {
            return Err(self.refuse("Start of list found where not expected".to_owned()));
        };
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.below(list.element.get())?)? {
            items.push(item);
        }
        Ok(Document::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Document, A::Error> {
        match &self.shape.kind {
            Kind::Struct(_) => self.structure(map),
            Kind::Map(shape) => self.entries(map, shape.value.get()),
            _ => Err(self.refuse("Start of structure or map found where not expected.".to_owned())),
        }
    }
}

impl<'de> Seed<'_> {
    fn structure<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut value = Struct::new(self.shape);
        let structure = value.structure();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let member = structure
                .members
                .iter()
                .position(|member| member.wire_name == key && member.location == Location::Body);
            match member {
                Some(index) => {
                    let seed = self.below(structure.members[index].shape.get())?;
                    value.put(index, map.next_value_seed(seed)?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Document::Struct(value))
    }

    fn entries<A: MapAccess<'de>>(self, mut map: A, shape: &'static Shape) -> Result<Document, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            entries.push((key, map.next_value_seed(self.below(shape)?)?));
        }
        Ok(Document::Map(entries))
    }

    fn seconds<E: serde::de::Error>(self, seconds: f64) -> Result<Document, E> {
        time::from_seconds(seconds)
            .map(Document::Time)
            .ok_or_else(|| self.refuse(format!("{seconds} is out of range of a Timestamp")))
    }
}

/// A key, copied only where it has escapes.
struct Key<'de>(std::borrow::Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(key.into()))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(key.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Writes a value. Of a structure, the members whose place is the body.
pub(super) fn write(value: &Document, out: &mut Vec<u8>) {
    write_value(value, TimeFormat::Epoch, out);
}

fn write_value(value: &Document, format: TimeFormat, out: &mut Vec<u8>) {
    match value {
        Document::Null => out.extend_from_slice(b"null"),
        Document::Bool(_) | Document::Int(_) => {
            out.extend_from_slice(scalar::write(value, format).unwrap_or_default().as_bytes());
        }
        Document::Float(number) if number.is_finite() => {
            out.extend_from_slice(scalar::float_text(*number).as_bytes());
        }
        Document::Float(number) => write_text(&scalar::float_text(*number), out),
        Document::Text(text) => write_text(text, out),
        Document::Blob(bytes) => write_text(&scalar::base64(bytes), out),
        Document::Time(moment) if format == TimeFormat::Epoch => {
            out.extend_from_slice(time::epoch(*moment).as_bytes());
        }
        Document::Time(moment) => write_text(&time::write(*moment, format), out),
        Document::List(items) => {
            write_all(out, b"[]", items, |item, out| write_value(item, format, out));
        }
        Document::Map(entries) => write_all(out, b"{}", entries, |(key, item), out| {
            write_text(key, out);
            out.push(b':');
            write_value(item, format, out);
        }),
        Document::Struct(structure) => write_structure(structure, out),
    }
}

fn write_structure(structure: &Struct, out: &mut Vec<u8>) {
    let members = structure.iter().filter(|(member, _)| member.location == Location::Body);
    write_all(out, b"{}", members, |(member, value), out| {
        write_text(member.wire_name, out);
        out.push(b':');
        write_value(value, inner_format(member.shape.get()), out);
    });
}

/// The format of the times in a member: of itself, or of the elements of a list or map.
fn inner_format(shape: &'static Shape) -> TimeFormat {
    match &shape.kind {
        Kind::List(list) => inner_format(list.element.get()),
        Kind::Map(map) => inner_format(map.value.get()),
        kind => scalar::time_format(kind, TimeFormat::Epoch),
    }
}

fn write_all<T>(
    out: &mut Vec<u8>,
    brackets: &[u8; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(brackets[0]);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(brackets[1]);
}

/// Text in quotes, escaped.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("memory takes all");
}
