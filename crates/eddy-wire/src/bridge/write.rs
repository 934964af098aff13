//! Structs into documents, guided by a shape and held against it.

use std::fmt;

use bytes::Bytes;
use eddy_base::Timestamp;
use serde::Serialize;
use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    Serializer,
};

use super::{find, same, special};
use crate::schema::{Kind, Shape};
use crate::{Document, Struct};

/// What a struct says that its model does not have. Ours to mend.
#[derive(Debug)]
pub(super) struct Mistake(String);

impl Mistake {
    fn under(self, name: &str) -> Mistake {
        Mistake(format!("{name}: {}", self.0))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

impl serde::ser::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Mistake {
        Mistake(message.to_string())
    }
}

pub(super) fn document<T: Serialize + ?Sized>(shape: &'static Shape, value: &T) -> Result<Document, Mistake> {
    value.serialize(Writer { shape })
}

/// For an operation without output: the value must say nothing.
pub(super) fn nothing<T: Serialize>(value: &T) -> Result<Document, Mistake> {
    let said = serde_json::to_value(value).map_err(|why| Mistake(why.to_string()))?;
    let is_nothing = said.is_null() || said.as_object().is_some_and(serde_json::Map::is_empty);
    if is_nothing { Ok(Document::Null) } else { Err(Mistake("the model has no output".to_owned())) }
}

#[derive(Clone, Copy)]
struct Writer {
    shape: &'static Shape,
}

impl Writer {
    fn no<T>(self, what: &str) -> Result<T, Mistake> {
        let kind = Document::kind_name(&self.shape.kind);
        Err(Mistake(format!("{what}, where {} is a {kind}", self.shape.name)))
    }

    fn structure(self) -> Result<Fields, Mistake> {
        match &self.shape.kind {
            Kind::Struct(_) => Ok(Fields { value: Struct::new(self.shape), pending: None }),
            _ => self.no("a struct"),
        }
    }

    fn union(
        self,
        variant: &str,
        write: impl FnOnce(Writer) -> Result<Document, Mistake>,
    ) -> Result<Document, Mistake> {
        let mut fields = self.structure()?;
        fields.put(variant, write)?;
        Ok(Document::Struct(fields.value))
    }
}

impl Serializer for Writer {
    type Ok = Document;
    type Error = Mistake;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Impossible<Document, Mistake>;
    type SerializeTupleVariant = Impossible<Document, Mistake>;
    type SerializeMap = MapWriter;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Variant;

    fn serialize_bool(self, value: bool) -> Result<Document, Mistake> {
        match self.shape.kind {
            Kind::Bool => Ok(Document::Bool(value)),
            _ => self.no("a bool"),
        }
    }

    fn serialize_i64(self, value: i64) -> Result<Document, Mistake> {
        match self.shape.kind {
            Kind::Integer if i32::try_from(value).is_err() => self.no("a number of more than 32 bits"),
            Kind::Integer | Kind::Long => Ok(Document::Int(value)),
            #[expect(clippy::cast_precision_loss, reason = "the model has a float")]
            Kind::Float | Kind::Double => Ok(Document::Float(value as f64)),
            _ => self.no("an integer"),
        }
    }

    fn serialize_u64(self, value: u64) -> Result<Document, Mistake> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => self.no("a number of more than 63 bits"),
        }
    }

    fn serialize_f64(self, value: f64) -> Result<Document, Mistake> {
        match self.shape.kind {
            Kind::Float | Kind::Double => Ok(Document::Float(value)),
            _ => self.no("a float"),
        }
    }

    fn serialize_str(self, value: &str) -> Result<Document, Mistake> {
        match self.shape.kind {
            Kind::Text => Ok(Document::Text(value.to_owned())),
            _ => self.no("text"),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Document, Mistake> {
        match self.shape.kind {
            Kind::Blob => Ok(Document::Blob(Bytes::copy_from_slice(value))),
            _ => self.no("bytes"),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<Document, Mistake> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Document, Mistake> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Document, Mistake> {
        self.serialize_i64(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<Document, Mistake> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Document, Mistake> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Document, Mistake> {
        self.serialize_i64(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<Document, Mistake> {
        self.serialize_f64(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Document, Mistake> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_none(self) -> Result<Document, Mistake> {
        Ok(Document::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Document, Mistake> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Document, Mistake> {
        Ok(Document::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Document, Mistake> {
        match self.shape.kind {
            Kind::Struct(_) => Ok(Document::Struct(Struct::new(self.shape))),
            _ => self.no("an empty struct"),
        }
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Document, Mistake> {
        // The model's spelling wins, so that a variant needs no attribute.
        let spelled = self.shape.values.iter().find(|value| same(&value.replace('-', "_"), variant));
        self.serialize_str(spelled.unwrap_or(&variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Document, Mistake> {
        if name != special::TIME {
            return value.serialize(self);
        }
        let millis = serde_json::to_value(value).ok().and_then(|millis| millis.as_i64());
        match (&self.shape.kind, millis) {
            (Kind::Time(_), Some(millis)) => Ok(Document::Time(Timestamp::from_millis(millis))),
            _ => self.no("a time"),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Document, Mistake> {
        self.union(variant, |inner| value.serialize(inner))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Mistake> {
        match &self.shape.kind {
            Kind::List(list) => Ok(Items { element: list.element.get(), items: Vec::new() }),
            _ => self.no("a list"),
        }
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, Mistake> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<Document, Mistake>, Mistake> {
        self.no("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<Document, Mistake>, Mistake> {
        self.no("a tuple")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapWriter, Mistake> {
        match &self.shape.kind {
            Kind::Map(map) => Ok(MapWriter::Map {
                key_shape: map.key.get(),
                value_shape: map.value.get(),
                entries: Vec::new(),
                key: None,
            }),
            Kind::Struct(_) => self.structure().map(MapWriter::Struct),
            _ => self.no("a map"),
        }
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Mistake> {
        self.structure()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant, Mistake> {
        let outer = Struct::new(self.structure()?.value.shape());
        let index = find(outer.structure(), variant)
            .ok_or_else(|| Mistake(format!("{} has no member {variant}", self.shape.name)))?;
        let inner = Writer { shape: outer.structure().members[index].shape.get() }.structure()?;
        Ok(Variant { outer, index, inner })
    }
}

struct Items {
    element: &'static Shape,
    items: Vec<Document>,
}

impl SerializeSeq for Items {
    type Ok = Document;
    type Error = Mistake;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mistake> {
        let item = document(self.element, value).map_err(|mistake| mistake.under(self.element.name))?;
        self.items.push(item);
        Ok(())
    }

    fn end(self) -> Result<Document, Mistake> {
        Ok(Document::List(self.items))
    }
}

impl SerializeTuple for Items {
    type Ok = Document;
    type Error = Mistake;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mistake> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Document, Mistake> {
        SerializeSeq::end(self)
    }
}

struct Fields {
    value: Struct,
    /// The key of a map that stands for a structure.
    pending: Option<String>,
}

impl Fields {
    fn put(
        &mut self,
        field: &str,
        write: impl FnOnce(Writer) -> Result<Document, Mistake>,
    ) -> Result<(), Mistake> {
        let structure = self.value.structure();
        let index = find(structure, field)
            .ok_or_else(|| Mistake(format!("{} has no member {field}", self.value.shape().name)))?;
        let member = &structure.members[index];
        let document =
            write(Writer { shape: member.shape.get() }).map_err(|mistake| mistake.under(member.name))?;
        self.value.put(index, document);
        Ok(())
    }

    /// A part: a struct whose fields are members of this same structure.
    fn put_part<T: Serialize + ?Sized>(&mut self, field: &str, value: &T) -> Result<(), Mistake> {
        let shape = self.value.shape();
        let part = match value.serialize(Writer { shape }) {
            Ok(Document::Struct(part)) => part,
            Ok(_) => return Err(Mistake(format!("{} has no member {field}", shape.name))),
            Err(why) => return Err(Mistake(format!("{} has no member {field} ({why})", shape.name))),
        };
        for (index, document) in part.into_members() {
            self.value.put(index, document);
        }
        Ok(())
    }
}

impl SerializeStruct for Fields {
    type Ok = Document;
    type Error = Mistake;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), Mistake> {
        if find(self.value.structure(), field).is_none() {
            return self.put_part(field, value);
        }
        self.put(field, |writer| value.serialize(writer))
    }

    fn end(self) -> Result<Document, Mistake> {
        Ok(Document::Struct(self.value))
    }
}

struct Variant {
    outer: Struct,
    index: usize,
    inner: Fields,
}

impl SerializeStructVariant for Variant {
    type Ok = Document;
    type Error = Mistake;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), Mistake> {
        SerializeStruct::serialize_field(&mut self.inner, field, value)
    }

    fn end(mut self) -> Result<Document, Mistake> {
        self.outer.put(self.index, Document::Struct(self.inner.value));
        Ok(Document::Struct(self.outer))
    }
}

enum MapWriter {
    Map {
        key_shape: &'static Shape,
        value_shape: &'static Shape,
        entries: Vec<(String, Document)>,
        key: Option<String>,
    },
    Struct(Fields),
}

impl SerializeMap for MapWriter {
    type Ok = Document;
    type Error = Mistake;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Mistake> {
        match self {
            MapWriter::Map { key_shape, key, .. } => match document(key_shape, name)? {
                Document::Text(text) => *key = Some(text),
                other => return Err(Mistake(format!("{other:?} is a key"))),
            },
            MapWriter::Struct(fields) => {
                let name = serde_json::to_value(name).ok();
                fields.pending = name.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
            }
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mistake> {
        match self {
            MapWriter::Map { value_shape, entries, key, .. } => {
                let key = key.take().ok_or_else(|| Mistake("a value without a key".to_owned()))?;
                let value = document(value_shape, value).map_err(|mistake| mistake.under(&key))?;
                entries.push((key, value));
                Ok(())
            }
            MapWriter::Struct(fields) => {
                let key = fields.pending.take().ok_or_else(|| Mistake("a value without a key".to_owned()))?;
                fields.put(&key, |writer| value.serialize(writer))
            }
        }
    }

    fn end(self) -> Result<Document, Mistake> {
        Ok(match self {
            MapWriter::Map { entries, .. } => Document::Map(entries),
            MapWriter::Struct(fields) => Document::Struct(fields.value),
        })
    }
}
