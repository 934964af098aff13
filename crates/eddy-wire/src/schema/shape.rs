//! Shapes: what values look like, and where their members stand in a message.

use std::ops::Deref;
use std::sync::OnceLock;

use crate::Document;
use crate::validate::Pattern;

/// The form of one kind of value.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub kind: Kind,
    /// Least and most: of a number its value, of text its characters, of the others their length.
    pub min: Option<Bound>,
    pub max: Option<Bound>,
    pub(crate) pattern: Option<Pattern>,
    /// The only values that a text may have, if there are any.
    pub values: Vec<&'static str>,
    /// Must not appear in messages and logs.
    pub sensitive: bool,
}

#[derive(Debug)]
pub enum Kind {
    Bool,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    Float,
    Double,
    Text,
    Blob,
    /// With the format that it insists on, else its place decides.
    Time(Option<TimeFormat>),
    List(ListShape),
    Map(MapShape),
    Struct(Structure),
}

/// How a point in time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds since 1970, with a fraction.
    Epoch,
    /// `2026-01-02T03:04:05Z`.
    Iso8601,
    /// `Fri, 02 Jan 2026 03:04:05 GMT`.
    HttpDate,
}

/// A limit of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    Integer(i64),
    Float(f64),
}

#[derive(Debug)]
pub struct ListShape {
    pub element: ShapeRef,
    /// The element's name in XML and forms.
    pub element_name: Option<&'static str>,
}

#[derive(Debug)]
pub struct MapShape {
    pub key: ShapeRef,
    pub value: ShapeRef,
    /// What key and value are called in XML and forms.
    pub key_name: &'static str,
    pub value_name: &'static str,
}

#[derive(Debug)]
pub struct Structure {
    /// In the model's order.
    pub members: Vec<Member>,
    /// The member that is the whole body in REST protocols.
    pub payload: Option<usize>,
    /// Exactly one member is set.
    pub is_union: bool,
    /// Each member is an event.
    pub is_event_stream: bool,
    /// An XML namespace with its prefix (`xsi`), declared on the element.
    pub namespace: Option<(&'static str, &'static str)>,
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub shape: ShapeRef,
    pub location: Location,
    /// The name in JSON, XML and CBOR, of a header, a label or a query key.
    pub wire_name: &'static str,
    /// The name in forms and in the XML that answers them.
    pub query_name: &'static str,
    pub required: bool,
    /// A list or map whose elements stand without an element around them.
    pub flattened: bool,
    pub xml_attribute: bool,
    pub streaming: bool,
    /// The bytes or structure that an event carries as its payload.
    pub event_payload: bool,
    /// Clients make one up when the caller gives none.
    pub idempotency_token: bool,
    /// Values narrower than the shape's.
    pub values: Vec<&'static str>,
    /// Whoever reads the body sees to it: its length, its digest, the algorithm of its checksum.
    pub about_body: bool,
    /// Values that ask for nothing, so that an operation without this member may take them.
    pub neutral: &'static [serde_json::Value],
    /// The service's own error and its text for any other value, where an operation lacks this member.
    pub refusal: Option<(&'static str, &'static str)>,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    Body,
    Header,
    /// All headers whose names begin with the member's wire name.
    Headers,
    Query,
    Label,
    Status,
}

/// A shape that may not be parsed yet while its service is; shapes refer to themselves.
#[derive(Clone, Copy)]
pub struct ShapeRef(pub(super) &'static OnceLock<Shape>);

impl ShapeRef {
    pub fn get(self) -> &'static Shape {
        self.0.get().expect("a table is handed out when all its shapes are set")
    }
}

impl Deref for ShapeRef {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        self.get()
    }
}

impl std::fmt::Debug for ShapeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.get().map_or("unset", |shape| shape.name))
    }
}

impl Shape {
    /// The structure that this is.
    ///
    /// # Panics
    /// If it is none. Inputs, outputs, errors and events are always structures; loading checks it.
    pub fn structure(&'static self) -> &'static Structure {
        match &self.kind {
            Kind::Struct(structure) => structure,
            other => panic!("{} is {other:?} and no structure", self.name),
        }
    }
}

impl Structure {
    /// A member by its name in the model.
    pub fn member(&self, name: &str) -> Option<(usize, &Member)> {
        self.members.iter().enumerate().find(|(_, member)| member.name == name)
    }

    pub(crate) fn streaming(&'static self) -> Option<&'static Member> {
        self.members.iter().find(|member| member.streaming)
    }

    pub(crate) fn event_stream(&'static self) -> Option<&'static Member> {
        self.members.iter().find(
            |member| matches!(&member.shape.get().kind, Kind::Struct(structure) if structure.is_event_stream),
        )
    }

    /// The member that is the whole body, where there is one.
    pub fn payload_member(&self) -> Option<(usize, &Member)> {
        self.payload.map(|index| (index, &self.members[index]))
    }

    /// Has it members that stand in the body?
    pub fn has_body(&self) -> bool {
        self.payload.is_some() || self.members.iter().any(|member| member.location == Location::Body)
    }
}

impl Member {
    /// The element's name of a flattened list, as forms and their answers write it.
    pub fn flat_name(&self) -> Option<&'static str> {
        match &self.shape.kind {
            Kind::List(list) if self.flattened => list.element_name,
            _ => None,
        }
    }

    /// Does this value ask for nothing?
    pub(crate) fn is_neutral(&self, value: &Document) -> bool {
        match value {
            Document::Null => true,
            Document::List(items) if items.is_empty() => true,
            Document::Map(entries) if entries.is_empty() => true,
            _ if self.about_body => true,
            other => self.neutral.iter().any(|neutral| neutral == "*" || other.says(neutral)),
        }
    }
}
