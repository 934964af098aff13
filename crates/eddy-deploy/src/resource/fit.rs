//! Templates write numbers as texts and texts as numbers, and CloudFormation takes either: a plain value is given the
//! form that the operation's model has for it.

use eddy_wire::schema::{Kind, Shape};
use serde_json::Value;

/// The value with plain values in the forms of `shape`. What has no such form stays as it is, for the operation to
/// refuse.
pub fn fit(shape: &'static Shape, value: Value) -> Value {
    match (&shape.kind, value) {
        (Kind::Struct(structure), Value::Object(members)) => {
            let member = |(name, value): (String, Value)| match structure
                .members
                .iter()
                .find(|member| member.name == name)
            {
                Some(member) => (name, fit(member.shape.get(), value)),
                None => (name, value),
            };
            members.into_iter().map(member).collect()
        }
        (Kind::List(list), Value::Array(items)) => {
            items.into_iter().map(|item| fit(list.element.get(), item)).collect()
        }
        (Kind::Map(map), Value::Object(entries)) => {
            entries.into_iter().map(|(key, value)| (key, fit(map.value.get(), value))).collect()
        }
        (Kind::Bool, Value::String(text)) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        (Kind::Integer | Kind::Long, Value::String(text)) => {
            text.parse::<i64>().map_or(Value::String(text), Value::from)
        }
        (Kind::Float | Kind::Double, Value::String(text)) => {
            text.parse::<f64>().map_or(Value::String(text), Value::from)
        }
        (Kind::Text, Value::Number(number)) => Value::String(number.to_string()),
        (Kind::Text, Value::Bool(flag)) => Value::String(flag.to_string()),
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use eddy_wire::schema;
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_values_get_the_form_of_the_model() {
        let operation = schema::service("lambda").and_then(|service| service.operation("CreateFunction"));
        let shape = operation.and_then(|operation| operation.input).expect("it has an input").get();
        let given = json!({
            "Timeout": "10", "FunctionName": 1, "Publish": "true", "MemorySize": "a lot", "Unknown": 1,
            "Environment": { "Variables": { "A": 1, "B": true, "C": 1.5 } }, "Architectures": ["x86_64"],
        });
        let fitted = json!({
            "Timeout": 10, "FunctionName": "1", "Publish": true, "MemorySize": "a lot", "Unknown": 1,
            "Environment": { "Variables": { "A": "1", "B": "true", "C": "1.5" } }, "Architectures": ["x86_64"],
        });
        assert_eq!(fit(shape, given), fitted);
    }
}
