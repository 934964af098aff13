//! Which fields a struct has, found by asking serde for the struct and listening to what it wants.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::find;
use super::read::Refusal;
use crate::schema::Structure;

/// The fields of a struct beside the structure that it is filled from.
pub(super) struct Fields {
    /// Those that name members, those of its parts included.
    pub known: Vec<&'static str>,
    /// Those that name nothing.
    pub unknown: Vec<&'static str>,
}

impl Fields {
    pub(super) fn of<T: DeserializeOwned>(structure: Option<&Structure>) -> Fields {
        let is_known = |field: &&'static str| structure.is_some_and(|known| find(known, field).is_some());
        let (mut known, others): (Vec<_>, Vec<_>) = names::<T>().iter().copied().partition(is_known);
        let mut unknown = Vec::new();
        for field in others {
            let inner = names_in::<T>(field);
            let (inside, outside): (Vec<_>, Vec<_>) = inner.iter().copied().partition(is_known);
            known.extend(inside);
            unknown.extend(if inner.is_empty() { vec![field] } else { outside });
        }
        Fields { known, unknown }
    }
}

/// The names of a struct's fields.
fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    let refused = T::deserialize(Probe { field: None, names: &mut names }).is_err();
    debug_assert!(refused || names.is_empty(), "the probe refuses");
    names
}

/// The names of the fields of the struct in a field; none where it is something else.
fn names_in<T: DeserializeOwned>(field: &'static str) -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    let refused = T::deserialize(Probe { field: Some(field), names: &mut names }).is_err();
    debug_assert!(refused, "the probe refuses");
    names
}

/// Notes the fields of the struct that it is asked for, or of the one in a field of that.
struct Probe<'a> {
    field: Option<&'static str>,
    names: &'a mut &'static [&'static str],
}

fn enough() -> Refusal {
    serde::de::Error::custom("only the fields are asked for")
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(enough())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if self.field.is_some() {
            return visitor.visit_map(self);
        }
        *self.names = fields;
        Err(enough())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Probe<'_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        match self.field.take() {
            Some(field) => seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some),
            None => Err(enough()),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        seed.deserialize(Probe { field: None, names: self.names })
    }
}
