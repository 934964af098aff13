//! Values between the wire and the structs of operations.

use bytes::Bytes;
use eddy_base::Timestamp;
use serde_json::Value;

use crate::schema::{Kind, Member, Shape, Structure};

/// One value, typed by the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// Not there. Only elements of lists and maps keep it.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Blob(Bytes),
    Time(Timestamp),
    List(Vec<Document>),
    /// In the order of the wire.
    Map(Vec<(String, Document)>),
    Struct(Struct),
}

/// A structure: its shape and the members that are set.
#[derive(Clone)]
pub struct Struct {
    shape: &'static Shape,
    structure: &'static Structure,
    members: Vec<(usize, Document)>,
}

impl Struct {
    /// An empty one.
    ///
    /// # Panics
    /// If the shape is no structure.
    pub fn new(shape: &'static Shape) -> Struct {
        Struct { shape, structure: shape.structure(), members: Vec::new() }
    }

    pub fn shape(&self) -> &'static Shape {
        self.shape
    }

    pub fn structure(&self) -> &'static Structure {
        self.structure
    }

    /// A member by its name in the model.
    pub fn get(&self, name: &str) -> Option<&Document> {
        let (index, _) = self.structure.member(name)?;
        self.at(index)
    }

    /// Sets a member by its name in the model; [`Document::Null`] unsets it. Tells whether there is such a one.
    pub fn set(&mut self, name: &str, value: Document) -> bool {
        let Some((index, _)) = self.structure.member(name) else { return false };
        self.put(index, value);
        true
    }

    /// The members that are set.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Member, &Document)> {
        self.members.iter().map(|(index, value)| (&self.structure.members[*index], value))
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn at(&self, index: usize) -> Option<&Document> {
        self.members.iter().find(|(at, _)| *at == index).map(|(_, value)| value)
    }

    pub(crate) fn put(&mut self, index: usize, value: Document) {
        self.members.retain(|(at, _)| *at != index);
        if value != Document::Null {
            self.members.push((index, value));
        }
    }

    pub(crate) fn into_members(self) -> Vec<(usize, Document)> {
        self.members
    }
}

/// Two structures are equal when the same members are, whatever the order in which they were set.
impl PartialEq for Struct {
    fn eq(&self, other: &Struct) -> bool {
        std::ptr::eq(self.shape, other.shape)
            && self.members.len() == other.members.len()
            && self.members.iter().all(|(index, value)| other.at(*index) == Some(value))
    }
}

/// Names of members, and nothing of a sensitive value.
impl std::fmt::Debug for Struct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct(self.shape.name);
        for (member, value) in self.iter() {
            if member.shape.sensitive {
                shown.field(member.name, &"***");
            } else {
                shown.field(member.name, value);
            }
        }
        shown.finish()
    }
}

impl Document {
    /// Is this the value that JSON spells so? Of a structure, members that `json` lacks may have any value
    /// that is neutral for them.
    pub(crate) fn says(&self, json: &Value) -> bool {
        match (self, json) {
            (Document::Null, Value::Null) => true,
            (Document::Bool(ours), Value::Bool(theirs)) => ours == theirs,
            (Document::Int(ours), Value::Number(theirs)) => theirs.as_i64() == Some(*ours),
            (Document::Float(ours), Value::Number(theirs)) => theirs.as_f64() == Some(*ours),
            (Document::Text(ours), Value::String(theirs)) => ours == theirs,
            (Document::List(ours), Value::Array(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.says(theirs))
            }
            (Document::Map(ours), Value::Object(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().all(|(key, ours)| theirs.get(key).is_some_and(|theirs| ours.says(theirs)))
            }
            (Document::Struct(ours), Value::Object(theirs)) => {
                let known = ours.iter().all(|(member, value)| match theirs.get(member.name) {
                    Some(json) => value.says(json),
                    None => member.is_neutral(value),
                });
                known && theirs.iter().all(|(name, json)| json.is_null() || ours.get(name).is_some())
            }
            (
                Document::Null
                | Document::Bool(_)
                | Document::Int(_)
                | Document::Float(_)
                | Document::Text(_)
                | Document::Blob(_)
                | Document::Time(_)
                | Document::List(_)
                | Document::Map(_)
                | Document::Struct(_),
                _,
            ) => false,
        }
    }

    /// What a value of this kind is called in messages.
    pub(crate) fn kind_name(kind: &Kind) -> &'static str {
        match kind {
            Kind::Bool => "Boolean",
            Kind::Integer => "Integer",
            Kind::Long => "Long",
            Kind::Float => "Float",
            Kind::Double => "Double",
            Kind::Text => "String",
            Kind::Blob => "Blob",
            Kind::Time(_) => "Timestamp",
            Kind::List(_) => "List",
            Kind::Map(_) => "Map",
            Kind::Struct(_) => "Structure",
        }
    }
}
