//! What a template says of a resource, once every value is known.

use serde_json::{Map, Value};

use super::{Failure, Kind};

/// A resource's properties, resolved.
#[derive(Debug, Clone)]
pub struct Properties {
    /// The logical id.
    pub id: String,
    /// What this deployment is called.
    pub stack: String,
    pub values: Value,
    /// The zip of a function whose code is a folder, unless what stands has the same.
    pub package: Option<Vec<u8>>,
}

impl Properties {
    /// The values with a name, where the kind has one and the template gives none.
    pub fn named(kind: Kind, mut values: Map<String, Value>, name: impl FnOnce() -> String) -> Value {
        if let Some(property) = kind.name_property()
            && !values.contains_key(property)
        {
            values.insert(property.to_owned(), name().into());
        }
        values.into()
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A text; numbers and flags are taken as they are written.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(scalar)
    }

    /// A text that must be there.
    pub fn needed(&self, name: &str) -> Result<String, Failure> {
        self.text(name).ok_or_else(|| Failure::Template(format!("{name} is missing")))
    }

    /// An operation's input: the properties of these names, as they are.
    pub fn input(&self, names: &[&str]) -> Map<String, Value> {
        let pair = |name: &&str| Some(((*name).to_owned(), self.get(name)?.clone()));
        names.iter().filter_map(pair).collect()
    }

    /// `Tags` as a mapping, whether the template has a list or a mapping.
    pub fn tags(&self) -> Map<String, Value> {
        let text = |value: &Value| Value::String(scalar(value).unwrap_or_default());
        match self.get("Tags") {
            Some(Value::Object(tags)) => tags.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
            Some(Value::Array(tags)) => {
                tags.iter().filter_map(|tag| Some((scalar(&tag["Key"])?, text(&tag["Value"])))).collect()
            }
            _ => Map::new(),
        }
    }

    /// `Tags` as a list of `Key` and `Value`.
    pub fn tag_list(&self) -> Vec<Value> {
        let pair = |(key, value)| serde_json::json!({ "Key": key, "Value": value });
        self.tags().into_iter().map(pair).collect()
    }
}

/// A plain value as text.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
