//! rpc-v2-cbor bodies.

use bytes::Bytes;
use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};
use minicbor::encode::Encoder;

use super::{Trouble, scalar};
use crate::limits::DEPTH_MAX;
use crate::schema::{Kind, Shape};
use crate::{Document, Struct, time};

/// The tag of seconds since 1970.
const EPOCH_TAG: u64 = 1;

/// Reads a body. An empty one is an empty structure.
pub(super) fn read(shape: &'static Shape, body: &[u8]) -> Result<Document, Trouble> {
    if body.is_empty() {
        return Ok(Document::Struct(Struct::new(shape)));
    }
    let mut reader = Reader { decoder: Decoder::new(body) };
    let value = reader.value(shape, DEPTH_MAX)?;
    if reader.decoder.position() != body.len() {
        return Err(Trouble::Malformed("bytes after the end".to_owned()));
    }
    Ok(if value == Document::Null { Document::Struct(Struct::new(shape)) } else { value })
}

struct Reader<'b> {
    decoder: Decoder<'b>,
}

impl From<Error> for Trouble {
    fn from(why: Error) -> Trouble {
        Trouble::Malformed(why.to_string())
    }
}

fn mismatch(found: Type, kind: &Kind) -> Trouble {
    Trouble::WrongType(format!("{found} can not be converted to {}", Document::kind_name(kind)))
}

impl Reader<'_> {
    fn value(&mut self, shape: &'static Shape, depth: usize) -> Result<Document, Trouble> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Trouble::Malformed("nested too deeply".to_owned()));
        };
        let found = self.decoder.datatype()?;
        match (found, &shape.kind) {
            (Type::Null | Type::Undefined, _) => {
                self.decoder.skip()?;
                Ok(Document::Null)
            }
            (Type::Bool, Kind::Bool) => Ok(Document::Bool(self.decoder.bool()?)),
            (Type::String | Type::StringIndef, Kind::Text) => self.text().map(Document::Text),
            (Type::Bytes | Type::BytesIndef, Kind::Blob) => self.bytes().map(Document::Blob),
            (_, Kind::Integer | Kind::Long) if is_integer(found) => self.integer(shape),
            (_, Kind::Float | Kind::Double) if is_number(found) => self.number(found).map(Document::Float),
            (Type::Tag, Kind::Time(_)) => self.time(shape),
            (Type::Array | Type::ArrayIndef, Kind::List(list)) => self.list(list.element.get(), depth),
            (Type::Map | Type::MapIndef, Kind::Map(map)) => self.entries(map.value.get(), depth),
            (Type::Map | Type::MapIndef, Kind::Struct(_)) => self.structure(shape, depth),
            (found, kind) => Err(mismatch(found, kind)),
        }
    }

    fn text(&mut self) -> Result<String, Trouble> {
        let mut text = String::new();
        for piece in self.decoder.str_iter()? {
            text.push_str(piece?);
        }
        Ok(text)
    }

    fn bytes(&mut self) -> Result<Bytes, Trouble> {
        let mut bytes = Vec::new();
        for piece in self.decoder.bytes_iter()? {
            bytes.extend_from_slice(piece?);
        }
        Ok(bytes.into())
    }

    fn integer(&mut self, shape: &'static Shape) -> Result<Document, Trouble> {
        let number = i64::try_from(self.decoder.int()?)
            .map_err(|_| Trouble::WrongType("a number is out of range of a Long".to_owned()))?;
        if matches!(shape.kind, Kind::Integer) && i32::try_from(number).is_err() {
            return Err(Trouble::WrongType(format!("{number} is out of range of an Integer")));
        }
        Ok(Document::Int(number))
    }

    fn number(&mut self, found: Type) -> Result<f64, Trouble> {
        match found {
            Type::F16 => self.half(),
            Type::F32 => Ok(self.decoder.f32()?.into()),
            Type::F64 => Ok(self.decoder.f64()?),
            #[expect(clippy::cast_precision_loss, reason = "a float was asked for")]
            _ => Ok(i128::from(self.decoder.int()?) as f64),
        }
    }

    /// 16 bits: one sign, five of exponent, ten of fraction.
    fn half(&mut self) -> Result<f64, Trouble> {
        let at = self.decoder.position();
        let bits = match self.decoder.input().get(at + 1..at + 3) {
            Some(&[high, low]) => u16::from_be_bytes([high, low]),
            _ => return Err(Trouble::Malformed("a number is cut off".to_owned())),
        };
        self.decoder.set_position(at + 3);
        let fraction = f64::from(bits & 0x3ff);
        let value = match i32::from(bits >> 10 & 0x1f) {
            0 => fraction * 2f64.powi(-24),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            exponent => (1024.0 + fraction) * 2f64.powi(exponent - 25),
        };
        Ok(if bits & 0x8000 == 0 { value } else { -value })
    }

    fn time(&mut self, shape: &'static Shape) -> Result<Document, Trouble> {
        let tag = self.decoder.tag()?.as_u64();
        let found = self.decoder.datatype()?;
        if tag != EPOCH_TAG || !is_number(found) {
            return Err(mismatch(found, &shape.kind));
        }
        let seconds = self.number(found)?;
        time::from_seconds(seconds)
            .map(Document::Time)
            .ok_or_else(|| Trouble::WrongType("a time is out of range".to_owned()))
    }

    fn list(&mut self, element: &'static Shape, depth: usize) -> Result<Document, Trouble> {
        let length = self.decoder.array()?;
        let mut items = Vec::new();
        while self.has_more(length, items.len())? {
            items.push(self.value(element, depth)?);
        }
        Ok(Document::List(items))
    }

    fn entries(&mut self, shape: &'static Shape, depth: usize) -> Result<Document, Trouble> {
        let length = self.decoder.map()?;
        let mut entries = Vec::new();
        while self.has_more(length, entries.len())? {
            let key = self.text()?;
            entries.push((key, self.value(shape, depth)?));
        }
        Ok(Document::Map(entries))
    }

    fn structure(&mut self, shape: &'static Shape, depth: usize) -> Result<Document, Trouble> {
        let length = self.decoder.map()?;
        let mut value = Struct::new(shape);
        let members = &value.structure().members;
        let mut count = 0;
        while self.has_more(length, count)? {
            count += 1;
            let key = self.text()?;
            match members.iter().position(|member| member.wire_name == key) {
                Some(index) => value.put(index, self.value(members[index].shape.get(), depth)?),
                None => self.decoder.skip()?,
            }
        }
        Ok(Document::Struct(value))
    }

    /// Is there another element? Consumes the break that ends one of unknown length.
    fn has_more(&mut self, length: Option<u64>, seen: usize) -> Result<bool, Trouble> {
        if let Some(length) = length {
            return Ok((seen as u64) < length);
        }
        if self.decoder.datatype()? != Type::Break {
            return Ok(true);
        }
        self.decoder.set_position(self.decoder.position() + 1);
        Ok(false)
    }
}

fn is_integer(found: Type) -> bool {
    matches!(
        found,
        Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int
    )
}

fn is_number(found: Type) -> bool {
    is_integer(found) || matches!(found, Type::F16 | Type::F32 | Type::F64)
}

/// Writes a value.
pub(super) fn write(value: &Document) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write_value(value, &mut encoder).expect("memory takes all");
    encoder.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write_value(value: &Document, encoder: &mut Encoder<Vec<u8>>) -> Written {
    match value {
        Document::Null => encoder.null()?.ok(),
        Document::Bool(value) => encoder.bool(*value)?.ok(),
        Document::Int(value) => encoder.i64(*value)?.ok(),
        Document::Float(value) => encoder.f64(*value)?.ok(),
        Document::Text(text) => encoder.str(text)?.ok(),
        Document::Blob(bytes) => encoder.bytes(bytes)?.ok(),
        Document::Time(time) => {
            encoder.tag(minicbor::data::Tag::new(EPOCH_TAG))?;
            if time.millis() % 1000 == 0 {
                encoder.i64(time.seconds())?.ok()
            } else {
                encoder.f64(scalar::seconds(*time))?.ok()
            }
        }
        Document::List(items) => {
            encoder.array(items.len() as u64)?;
            items.iter().try_for_each(|item| write_value(item, encoder))
        }
        Document::Map(entries) => {
            encoder.map(entries.len() as u64)?;
            entries.iter().try_for_each(|(key, item)| write_value(item, encoder.str(key)?))
        }
        Document::Struct(structure) => {
            encoder.map(structure.iter().count() as u64)?;
            structure.iter().try_for_each(|(member, item)| write_value(item, encoder.str(member.wire_name)?))
        }
    }
}
