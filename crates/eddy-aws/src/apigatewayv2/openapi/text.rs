//! JSON or YAML to JSON.

use eddy_base::Fault;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Number, Value};

use super::super::fault::bad;

/// Nesting beyond this is refused, so that a small text cannot use up the stack.
const DEPTH_MAX: usize = 64;

pub(super) fn read(text: &str) -> Result<Value, Fault> {
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let wrong = |what: &str| bad(format!("Unable to parse the OpenAPI document: {what}"));
    let documents = Yaml::load_from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let [document] = documents.as_slice() else { return Err(wrong("it is empty or has several documents")) };
    json(document, 0).map_err(wrong)
}

fn json(yaml: &Yaml<'_>, depth: usize) -> Result<Value, &'static str> {
    if depth > DEPTH_MAX {
        return Err("it is nested too deeply");
    }
    Ok(match yaml {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => Value::Bool(*value),
            Scalar::Integer(value) => Value::from(*value),
            // Kept as it is written, so that version 1.0 stays 1.0.
            Scalar::FloatingPoint(value) => match Number::from_f64(value.into_inner()) {
                Some(number) => Value::Number(number),
                None => return Err("a number is not finite"),
            },
            Scalar::String(text) => Value::String(text.to_string()),
        },
        Yaml::Sequence(items) => {
            Value::Array(items.iter().map(|item| json(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                let key = match json(key, depth + 1)? {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                        return Err("a key is neither a text nor a number");
                    }
                };
                map.insert(key, json(value, depth + 1)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(_, inner) => json(inner, depth + 1)?,
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            return Err("it has a value that cannot be read");
        }
    })
}
