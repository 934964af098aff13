//! Documents into structs.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{find, same, special};
use crate::codec::malformed_xml;
use crate::schema::{Codes, Member};
use crate::validate::{lower_camel, missing};
use crate::{Document, Error, Struct};

/// Why an input does not become its operation's struct.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A known member that the struct lacks.
    Unsupported { path: String, value: Option<String> },
    /// The same where the service has words of its own.
    Refused { code: &'static str, message: &'static str },
    /// A value that its type does not take.
    Invalid { path: String, message: String },
    /// A field that has to be there.
    Missing { path: String },
}

impl Refusal {
    pub(super) fn error(self, codes: &Codes) -> Error {
        match self {
            Refusal::Unsupported { path, value: None } => {
                Error::new(codes.unsupported, format!("The parameter {path} is not supported by eddy."))
            }
            Refusal::Unsupported { path, value: Some(value) } => {
                let message = format!("The value {value} of the parameter {path} is not supported by eddy.");
                Error::new(codes.unsupported, message)
            }
            Refusal::Refused { code, message } => Error::new(code, message),
            // Inside of a document; what is missing beside it has another name.
            Refusal::Missing { path } if path.contains('.') && codes.malformed == "MalformedXML" => {
                malformed_xml()
            }
            Refusal::Missing { path } => Error::new(codes.invalid, missing(&path)),
            Refusal::Invalid { message, .. } => match special::split(&message) {
                (Some(code), text) => Error::new(code.to_owned(), text),
                (None, text) => Error::new(codes.invalid, text),
            },
        }
    }

    /// The same, seen from outside of a member.
    fn under(self, name: &str) -> Refusal {
        let outer = |path: String, name: &str| {
            if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") }
        };
        match self {
            Refusal::Unsupported { path, value } => Refusal::Unsupported { path: outer(path, name), value },
            Refusal::Refused { .. } => self,
            Refusal::Invalid { path, message } => Refusal::Invalid { path: outer(path, name), message },
            Refusal::Missing { path } => Refusal::Missing { path: outer(path, &lower_camel(name)) },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Refusal {
        Refusal::Invalid { path: String::new(), message: message.to_string() }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Refusal {
        Refusal::custom(format!("Invalid value: {unexpected}, expected {expected}"))
    }

    fn missing_field(field: &'static str) -> Refusal {
        Refusal::Missing { path: camel(field) }
    }
}

/// `function_name` as texts write it.
fn camel(field: &str) -> String {
    let mut name = String::new();
    for (at, word) in field.split('_').filter(|word| !word.is_empty()).enumerate() {
        let (first, rest) = word.split_at(1);
        name.push_str(&if at == 0 { first.to_owned() } else { first.to_ascii_uppercase() });
        name.push_str(rest);
    }
    name
}

/// One value on its way into a struct.
pub(super) struct Value {
    document: Document,
    /// The model lists what this text may be, so its spelling in Rust may differ in case and punctuation.
    is_enum: bool,
}

impl Value {
    pub(super) fn new(document: Document) -> Value {
        Value { document, is_enum: false }
    }

    fn of(member: &Member, document: Document) -> Value {
        let is_enum = !member.shape.values.is_empty() || !member.values.is_empty();
        Value { document, is_enum }
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.document {
            Document::Null => visitor.visit_unit(),
            Document::Bool(value) => visitor.visit_bool(value),
            Document::Int(value) => visitor.visit_i64(value),
            Document::Float(value) => visitor.visit_f64(value),
            Document::Text(value) => visitor.visit_string(value),
            Document::Blob(value) => visitor.visit_byte_buf(value.into()),
            Document::Time(value) => visitor.visit_i64(value.millis()),
            Document::List(items) => visitor.visit_seq(Items(items.into_iter())),
            Document::Map(entries) => visitor.visit_map(Entries { rest: entries.into_iter(), value: None }),
            Document::Struct(value) => visitor.visit_map(Members::all(value)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.document {
            Document::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if name == special::TIME { self.deserialize_any(visitor) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.document {
            Document::Struct(value) => visitor.visit_map(Members::of(value, fields)?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.document {
            Document::Struct(value) => Members::of(value, &[]).and_then(|_| visitor.visit_unit()),
            Document::Map(entries) if entries.is_empty() => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.document {
            Document::Text(text) => {
                let exact = variants.iter().find(|variant| **variant == text);
                let loose = || variants.iter().find(|variant| self.is_enum && alike(variant, &text));
                match exact.or_else(loose) {
                    Some(variant) => {
                        visitor.visit_enum(IntoDeserializer::<Refusal>::into_deserializer(*variant))
                    }
                    None => visitor.visit_enum(IntoDeserializer::<Refusal>::into_deserializer(text)),
                }
            }
            Document::Struct(value) => visitor.visit_enum(Union::of(value, variants)?),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Equal but for case and whatever is no letter or digit?
fn alike(left: &str, right: &str) -> bool {
    let letters =
        |text| str::chars(text).filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    letters(left).eq(letters(right))
}

struct Items(std::vec::IntoIter<Document>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        // Nothing says here whether the element is an enum of the model; validation has seen its values.
        self.0.next().map(|document| seed.deserialize(Value { document, is_enum: true })).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries {
    rest: std::vec::IntoIter<(String, Document)>,
    value: Option<Document>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(StringDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let value = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(Value::new(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The members of a structure, each under the name of the field that it fills; then the parts, which take of the
/// others what they know.
struct Members {
    rest: std::vec::IntoIter<(&'static str, &'static Member, Document)>,
    parts: std::vec::IntoIter<&'static str>,
    /// What no field has taken yet.
    left: Vec<(&'static Member, Document)>,
    value: Option<(&'static Member, Document)>,
}

impl Members {
    /// For a struct: a member that it lacks must ask for nothing.
    fn of(value: Struct, fields: &'static [&'static str]) -> Result<Members, Refusal> {
        let structure = value.structure();
        let members = value.into_members().into_iter();
        let mut left = members.map(|(index, document)| (&structure.members[index], document)).collect();
        let rest = take(&mut left, fields);
        let parts = fields.iter().copied().filter(|field| find(structure, field).is_none());
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() {
            check_neutral(&left)?;
        }
        Ok(Members { rest: rest.into_iter(), parts: parts.into_iter(), left, value: None })
    }

    /// For a map: all, under their own names.
    fn all(value: Struct) -> Members {
        let structure = value.structure();
        let members = value.into_members().into_iter();
        let members = members.map(|(index, document)| {
            let member = &structure.members[index];
            (member.name, member, document)
        });
        let rest = members.collect::<Vec<_>>().into_iter();
        Members { rest, parts: Vec::new().into_iter(), left: Vec::new(), value: None }
    }
}

/// Takes out the members that these fields name.
fn take(
    left: &mut Vec<(&'static Member, Document)>,
    fields: &'static [&'static str],
) -> Vec<(&'static str, &'static Member, Document)> {
    let mut taken = Vec::new();
    for (member, document) in std::mem::take(left) {
        match fields.iter().find(|field| same(member.name, field)) {
            Some(field) => taken.push((*field, member, document)),
            None => left.push((member, document)),
        }
    }
    taken
}

fn check_neutral(left: &[(&'static Member, Document)]) -> Result<(), Refusal> {
    match left.iter().find(|(member, document)| !member.is_neutral(document)) {
        Some((member, document)) => Err(unsupported(member, document)),
        None => Ok(()),
    }
}

/// A part of a struct: a struct itself, whose fields are members of the same structure.
struct Part<'a> {
    left: &'a mut Vec<(&'static Member, Document)>,
}

impl<'de> Deserializer<'de> for Part<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        // A field of another type names a member that there is not: `check_fields` finds it.
        Err(serde::de::Error::invalid_type(Unexpected::Other("part of a struct"), &visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let rest = take(self.left, fields).into_iter();
        visitor.visit_map(Members { rest, parts: Vec::new().into_iter(), left: Vec::new(), value: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Names the member; and the value, where another one is supported.
fn unsupported(member: &Member, document: &Document) -> Refusal {
    if let Some((code, message)) = member.refusal {
        return Refusal::Refused { code, message };
    }
    let path = member.name.to_owned();
    // The whole structure is named unless one of its members is what is too much.
    if let Document::Struct(inner) = document
        && !member.neutral.is_empty()
        && let Some((inner_member, inner_value)) =
            inner.iter().find(|(inner, value)| !inner.is_neutral(value))
    {
        return unsupported(inner_member, inner_value).under(member.name);
    }
    let value = match document {
        _ if member.neutral.is_empty() || member.shape.sensitive => None,
        Document::Bool(value) => Some(value.to_string()),
        Document::Int(value) => Some(value.to_string()),
        Document::Float(value) => Some(value.to_string()),
        Document::Text(value) => Some(value.clone()),
        Document::Null
        | Document::Blob(_)
        | Document::Time(_)
        | Document::List(_)
        | Document::Map(_)
        | Document::Struct(_) => None,
    };
    Refusal::Unsupported { path, value }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        let field = if let Some((field, member, document)) = self.rest.next() {
            self.value = Some((member, document));
            field
        } else if let Some(part) = self.parts.next() {
            part
        } else {
            check_neutral(&self.left)?;
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        match self.value.take() {
            Some((member, document)) => {
                seed.deserialize(Value::of(member, document)).map_err(|refusal| refusal.under(member.name))
            }
            None => seed.deserialize(Part { left: &mut self.left }),
        }
    }
}

/// A structure with one member, as an enum's variant with content.
struct Union {
    variant: &'static str,
    member: &'static Member,
    document: Document,
}

impl Union {
    fn of(value: Struct, variants: &'static [&'static str]) -> Result<Union, Refusal> {
        let structure = value.structure();
        let shape = value.shape().name;
        let mut chosen = None;
        for (index, document) in value.into_members() {
            let member = &structure.members[index];
            match variants.iter().find(|variant| same(member.name, variant)) {
                Some(variant) if chosen.is_none() => {
                    chosen = Some(Union { variant, member, document });
                }
                None if member.is_neutral(&document) => {}
                None => return Err(unsupported(member, &document)),
                Some(_) => {
                    return Err(serde::de::Error::custom(format!("{shape} must have exactly one member")));
                }
            }
        }
        chosen.ok_or_else(|| serde::de::Error::custom(format!("{shape} must have exactly one member")))
    }
}

impl<'de> EnumAccess<'de> for Union {
    type Error = Refusal;
    type Variant = Union;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Union), Refusal> {
        let variant = seed.deserialize(BorrowedStrDeserializer::<Refusal>::new(self.variant))?;
        Ok((variant, self))
    }
}

impl Union {
    fn value(self) -> (Value, &'static str) {
        (Value::of(self.member, self.document), self.member.name)
    }
}

impl<'de> VariantAccess<'de> for Union {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        match self.document {
            Document::Struct(value) => Members::of(value, &[]).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        let (value, name) = self.value();
        seed.deserialize(value).map_err(|refusal| refusal.under(name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        let (value, name) = self.value();
        value.deserialize_any(visitor).map_err(|refusal| refusal.under(name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let (value, name) = self.value();
        value.deserialize_struct("", fields, visitor).map_err(|refusal| refusal.under(name))
    }
}
