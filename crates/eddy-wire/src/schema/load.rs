//! From the text of a table to the table.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use http::{Method, StatusCode};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::supplement::{self, Ours};
use super::{
    Bound, ErrorShape, Facts, Http, Kind, ListShape, Location, MapShape, Member, Operation, Service, Shape,
    ShapeRef, Structure, TimeFormat, Uri, facts,
};
use crate::validate::Pattern;

#[derive(Deserialize)]
struct Table {
    #[serde(borrow, deserialize_with = "pairs")]
    operations: Vec<(&'static str, RawOperation)>,
    #[serde(borrow, deserialize_with = "pairs")]
    shapes: Vec<(&'static str, RawShape)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation {
    method: &'static str,
    uri: &'static str,
    status: Option<u16>,
    input: Option<&'static str>,
    output: Option<&'static str>,
    location_name: Option<&'static str>,
    result_wrapper: Option<&'static str>,
    #[serde(default, borrow)]
    errors: Vec<&'static str>,
    #[serde(default)]
    unsigned: bool,
    host_prefix: Option<&'static str>,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    request_checksum_required: bool,
    request_algorithm_member: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShape {
    r#type: &'static str,
    #[serde(default, borrow)]
    required: Vec<&'static str>,
    #[serde(default, borrow, deserialize_with = "pairs")]
    members: Vec<(&'static str, RawMember)>,
    member: Option<RawMember>,
    key: Option<RawMember>,
    value: Option<RawMember>,
    min: Option<RawBound>,
    max: Option<RawBound>,
    pattern: Option<String>,
    #[serde(default, borrow, rename = "enum")]
    values: Vec<&'static str>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    flattened: bool,
    payload: Option<&'static str>,
    xml_namespace: Option<Namespace>,
    timestamp_format: Option<&'static str>,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    eventstream: bool,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    exception: bool,
    #[serde(default)]
    fault: bool,
    error: Option<RawError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMember {
    shape: &'static str,
    location: Option<&'static str>,
    location_name: Option<&'static str>,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    xml_attribute: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    idempotency_token: bool,
    #[serde(default)]
    eventpayload: bool,
    #[serde(default, borrow, rename = "enum")]
    values: Vec<&'static str>,
}

#[derive(Deserialize)]
struct Namespace {
    prefix: Option<&'static str>,
    uri: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError {
    code: Option<&'static str>,
    http_status_code: Option<u16>,
}

struct RawBound(Bound);

impl<'de> Deserialize<'de> for RawBound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawBound, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Ok(RawBound(match number.as_i64() {
            Some(integer) => Bound::Integer(integer),
            None => Bound::Float(number.as_f64().unwrap_or(f64::MAX)),
        }))
    }
}

/// A JSON object as a list, in its order.
pub(super) fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<(&'de str, T)>, D::Error> {
    struct Pairs<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
        type Value = Vec<(&'de str, T)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs(PhantomData))
}

/// The cells of all shapes of one service, by name. They are set one after the other and refer to each other.
struct Cells {
    by_name: HashMap<&'static str, Cell>,
    /// The members that name the algorithm of a request's checksum, as (shape, member).
    checksums: HashSet<(&'static str, &'static str)>,
    ours: &'static Ours,
}

/// One shape's cell, and those of its traits that its referrers take over.
#[derive(Clone, Copy)]
struct Cell {
    shape: &'static OnceLock<Shape>,
    flattened: bool,
    streaming: bool,
}

pub(super) fn service(name: &'static str, text: &'static str) -> Result<Service, String> {
    let facts = facts().iter().find(|facts| facts.name == name).ok_or("it is not in the index")?;
    let table: Table = serde_json::from_str(text).map_err(|why| why.to_string())?;
    let shapes: &'static [OnceLock<Shape>] =
        Box::leak((0..table.shapes.len()).map(|_| OnceLock::new()).collect::<Vec<_>>().into_boxed_slice());
    let rows = table.shapes.iter().zip(shapes);
    let by_name = rows.map(|((name, raw), shape)| {
        (*name, Cell { shape, flattened: raw.flattened, streaming: raw.streaming })
    });
    let by_name = by_name.collect();
    let checksums = table
        .operations
        .iter()
        .filter_map(|(_, operation)| Some((operation.input?, operation.request_algorithm_member?)))
        .collect();
    let cells = Cells { by_name, checksums, ours: supplement::service(name) };
    let mut errors = Vec::new();
    for (name, raw) in table.shapes {
        if raw.exception {
            errors.push(cells.error(name, &raw)?);
        }
        let shape = cells.shape(name, raw)?;
        cells.by_name[name].shape.set(shape).map_err(|_| format!("{name} is there twice"))?;
    }
    let operations = table.operations.into_iter().map(|(name, raw)| cells.operation(name, raw, facts));
    let operations = operations.collect::<Result<Vec<_>, String>>()?;
    Ok(Service { facts, operations, errors, shapes })
}

impl Cells {
    fn find(&self, name: &str) -> Result<ShapeRef, String> {
        self.by_name.get(name).map(|cell| ShapeRef(cell.shape)).ok_or_else(|| format!("no shape {name}"))
    }

    fn operation(
        &self,
        name: &'static str,
        raw: RawOperation,
        facts: &'static Facts,
    ) -> Result<Operation, String> {
        let input = raw.input.map(|shape| self.find(shape)).transpose()?;
        let output = raw.output.map(|shape| self.find(shape)).transpose()?;
        for root in [input, output].into_iter().flatten() {
            if !matches!(root.get().kind, Kind::Struct(_)) {
                return Err(format!("{name}: {root:?} is no structure"));
            }
        }
        let wrapper = || -> &'static str { Box::leak(format!("{name}Result").into_boxed_str()) };
        let wrapped = self.ours.result_wrappers && output.is_some();
        Ok(Operation {
            name,
            http: Http {
                method: Method::from_bytes(raw.method.as_bytes()).map_err(|why| why.to_string())?,
                uri: Uri::parse(raw.uri),
                status: status(raw.status.unwrap_or(200))?,
            },
            input,
            output,
            errors: raw.errors,
            result_wrapper: raw.result_wrapper.or_else(|| wrapped.then(wrapper)),
            output_root: self.ours.output_roots.get(name).copied(),
            input_root: raw.location_name,
            unwrapped: self.ours.unwrapped.contains(&name),
            unsigned: raw.unsigned,
            host_prefix: raw.host_prefix,
            deprecated: raw.deprecated,
            checksum_required: raw.request_checksum_required,
            checksum_algorithm: raw.request_algorithm_member,
            facts,
        })
    }

    fn error(&self, name: &'static str, raw: &RawShape) -> Result<ErrorShape, String> {
        let ours = self.ours.errors.get(name);
        let modelled = raw.error.as_ref();
        let usual = if raw.fault { 500 } else { 400 };
        let code = ours.and_then(|error| error.status).or(modelled.and_then(|error| error.http_status_code));
        let status = status(code.unwrap_or(usual))?;
        Ok(ErrorShape {
            name,
            shape: self.find(name)?,
            status,
            query_code: ours
                .and_then(|error| error.code)
                .or(modelled.and_then(|error| error.code))
                .unwrap_or(name),
            is_fault: raw.fault || status.is_server_error(),
        })
    }

    fn shape(&self, name: &'static str, raw: RawShape) -> Result<Shape, String> {
        let kind = match raw.r#type {
            "boolean" => Kind::Bool,
            "integer" => Kind::Integer,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "string" => Kind::Text,
            "blob" => Kind::Blob,
            "timestamp" => Kind::Time(raw.timestamp_format.map(time_format).transpose()?),
            "list" => self.list(name, raw.member.ok_or("a list without member")?)?,
            "map" => {
                self.map(name, raw.key.ok_or("a map without key")?, raw.value.ok_or("a map without value")?)?
            }
            "structure" => Kind::Struct(self.structure(
                name,
                raw.members,
                &raw.required,
                &Rest {
                    payload: raw.payload,
                    is_union: raw.union,
                    is_event_stream: raw.eventstream,
                    namespace: raw.xml_namespace,
                },
            )?),
            other => return Err(format!("{name} is of type {other}")),
        };
        Ok(Shape {
            name,
            kind,
            min: raw.min.map(|bound| bound.0),
            max: raw.max.map(|bound| bound.0),
            pattern: raw.pattern.map(Pattern::new),
            values: raw.values,
            sensitive: raw.sensitive,
        })
    }

    fn list(&self, name: &str, element: RawMember) -> Result<Kind, String> {
        let element_name = self.ours.element_names.get(name).copied().or(element.location_name);
        Ok(Kind::List(ListShape { element: self.find(element.shape)?, element_name }))
    }

    fn map(&self, name: &str, key: RawMember, value: RawMember) -> Result<Kind, String> {
        let ours = self.ours.entry_names.get(name);
        Ok(Kind::Map(MapShape {
            key_name: ours.map(|names| names.0).or(key.location_name).unwrap_or("key"),
            value_name: ours.map(|names| names.1).or(value.location_name).unwrap_or("value"),
            key: self.find(key.shape)?,
            value: self.find(value.shape)?,
        }))
    }

    fn structure(
        &self,
        name: &'static str,
        members: Vec<(&'static str, RawMember)>,
        required: &[&str],
        rest: &Rest,
    ) -> Result<Structure, String> {
        let payload = rest.payload.and_then(|payload| members.iter().position(|(name, _)| *name == payload));
        let members = members.into_iter().map(|(member, raw)| {
            let is_required = required.contains(&member);
            self.member(name, member, raw, is_required)
        });
        let namespace = rest.namespace.as_ref();
        Ok(Structure {
            members: members.collect::<Result<_, _>>()?,
            payload,
            is_union: rest.is_union,
            is_event_stream: rest.is_event_stream,
            namespace: namespace.and_then(|namespace| Some((namespace.prefix?, namespace.uri))),
        })
    }

    fn member(
        &self,
        shape: &'static str,
        name: &'static str,
        raw: RawMember,
        required: bool,
    ) -> Result<Member, String> {
        let path = format!("{shape}.{name}");
        let cell = *self.by_name.get(raw.shape).ok_or_else(|| format!("no shape {}", raw.shape))?;
        let wire_name = raw.location_name.unwrap_or(name);
        Ok(Member {
            name,
            shape: ShapeRef(cell.shape),
            location: location(raw.location)?,
            wire_name,
            query_name: self.ours.query_names.get(path.as_str()).copied().unwrap_or(wire_name),
            required,
            flattened: raw.flattened || cell.flattened,
            xml_attribute: raw.xml_attribute,
            streaming: raw.streaming || cell.streaming,
            event_payload: raw.eventpayload,
            idempotency_token: raw.idempotency_token,
            values: raw.values,
            about_body: matches!(wire_name, "Content-Length" | "Content-MD5")
                || self.checksums.contains(&(shape, name)),
            neutral: self.ours.neutral.get(&path).map_or(&[], Vec::as_slice),
            refusal: self
                .ours
                .refusals
                .iter()
                .find(|refusal| refusal.members.contains(&path))
                .map(|refusal| (refusal.code, refusal.message)),
        })
    }
}

/// What else a structure says.
struct Rest {
    payload: Option<&'static str>,
    is_union: bool,
    is_event_stream: bool,
    namespace: Option<Namespace>,
}

fn status(code: u16) -> Result<StatusCode, String> {
    StatusCode::from_u16(code).map_err(|why| format!("{code}: {why}"))
}

fn time_format(text: &str) -> Result<TimeFormat, String> {
    match text {
        "unixTimestamp" => Ok(TimeFormat::Epoch),
        "iso8601" => Ok(TimeFormat::Iso8601),
        "rfc822" => Ok(TimeFormat::HttpDate),
        other => Err(format!("no time format {other}")),
    }
}

fn location(text: Option<&str>) -> Result<Location, String> {
    match text {
        None => Ok(Location::Body),
        Some("header") => Ok(Location::Header),
        Some("headers") => Ok(Location::Headers),
        Some("querystring") => Ok(Location::Query),
        Some("uri") => Ok(Location::Label),
        Some("statusCode") => Ok(Location::Status),
        Some(other) => Err(format!("no location {other}")),
    }
}
