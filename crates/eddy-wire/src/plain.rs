//! Documents as JSON by the names of the model: for calls from inside, which have no wire and so no bindings.
//!
//! Bytes are base64, times are seconds since 1970.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::schema::{Kind, Operation, Shape};
use crate::{Document, Error, Struct};

/// Reads an operation's input.
///
/// # Errors
/// A member that the model does not have, or a value of another kind than the model's: whoever calls from inside
/// knows the model.
pub fn read_plain(operation: &Operation, value: &Value) -> Result<Document, Error> {
    match operation.input {
        Some(shape) => read(shape.get(), value, operation.name),
        None => Ok(Document::Map(Vec::new())),
    }
}

fn read(shape: &'static Shape, value: &Value, path: &str) -> Result<Document, Error> {
    let wrong = || Error::new("SerializationException", format!("{path} is of another kind in the model"));
    let document = match (&shape.kind, value) {
        (_, Value::Null) => Document::Null,
        (Kind::Struct(structure), Value::Object(members)) => {
            let mut document = Struct::new(shape);
            for (name, value) in members {
                let path = format!("{path}.{name}");
                let index = structure.members.iter().position(|member| member.name == name);
                let index = index.ok_or_else(|| {
                    Error::new("SerializationException", format!("{path} does not exist in the model"))
                })?;
                document.put(index, read(structure.members[index].shape.get(), value, &path)?);
            }
            Document::Struct(document)
        }
        (Kind::List(list), Value::Array(items)) => {
            let element = list.element.get();
            Document::List(items.iter().map(|item| read(element, item, path)).collect::<Result<_, _>>()?)
        }
        (Kind::Map(map), Value::Object(entries)) => {
            let inner = map.value.get();
            let entry = |(key, value): (&String, &Value)| Ok((key.clone(), read(inner, value, path)?));
            Document::Map(entries.iter().map(entry).collect::<Result<_, Error>>()?)
        }
        (Kind::Bool, Value::Bool(flag)) => Document::Bool(*flag),
        (Kind::Integer | Kind::Long, Value::Number(number)) => {
            Document::Int(number.as_i64().ok_or_else(wrong)?)
        }
        (Kind::Float | Kind::Double, Value::Number(number)) => {
            Document::Float(number.as_f64().ok_or_else(wrong)?)
        }
        (Kind::Text, Value::String(text)) => Document::Text(text.as_str().into()),
        (Kind::Blob, Value::String(text)) => Document::Blob(BASE64.decode(text).map_err(|_| wrong())?.into()),
        _ => return Err(wrong()),
    };
    Ok(document)
}

/// Writes an operation's output.
pub fn write_plain(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(flag) => (*flag).into(),
        Document::Int(number) => (*number).into(),
        Document::Float(number) => (*number).into(),
        Document::Text(text) => text.to_string().into(),
        Document::Blob(bytes) => BASE64.encode(bytes).into(),
        Document::Time(at) => at.seconds().into(),
        Document::List(items) => items.iter().map(write_plain).collect(),
        Document::Map(entries) => {
            entries.iter().map(|(key, value)| (key.to_string(), write_plain(value))).collect()
        }
        Document::Struct(structure) => structure
            .iter()
            .filter(|(_, value)| **value != Document::Null)
            .map(|(member, value)| (member.name.to_owned(), write_plain(value)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    #[test]
    fn members_are_found_by_their_name_wherever_they_stand_on_the_wire() {
        let operation = schema::service("s3").and_then(|service| service.operation("PutBucketTagging"));
        let operation = operation.expect("S3 has the operation");
        let input = json!({ "Bucket": "b", "Tagging": { "TagSet": [{ "Key": "k", "Value": "v" }] } });
        let document = read_plain(operation, &input).expect("it fits the model");
        assert_eq!(write_plain(&document), input);
    }

    #[test]
    fn what_the_model_does_not_have_is_refused() {
        let operation = schema::service("s3").and_then(|service| service.operation("CreateBucket"));
        let operation = operation.expect("S3 has the operation");
        for input in [json!({ "Bukket": "b" }), json!({ "Bucket": 1 }), json!([])] {
            assert!(read_plain(operation, &input).is_err(), "{input}");
        }
    }
}
