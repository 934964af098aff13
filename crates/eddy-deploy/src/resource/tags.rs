//! Tags of what stands already: put on, changed, taken off.

use serde_json::{Map, Value, json};

use super::{Caller, Failure};

/// How the tags of one kind are read and written.
pub struct Way {
    service: &'static str,
    /// The member that says whose tags they are.
    of: &'static str,
    list: &'static str,
    tag: &'static str,
    untag: &'static str,
    tags: &'static str,
    keys: &'static str,
    /// Are they a list of `Key` and `Value`?
    in_list: bool,
}

pub const API: Way = Way {
    service: "apigatewayv2",
    of: "ResourceArn",
    list: "GetTags",
    tag: "TagResource",
    untag: "UntagResource",
    tags: "Tags",
    keys: "TagKeys",
    in_list: false,
};
pub const FUNCTION: Way = Way { service: "lambda", of: "Resource", list: "ListTags", ..API };
pub const LOG_GROUP: Way = Way {
    service: "logs",
    of: "resourceArn",
    list: "ListTagsForResource",
    tags: "tags",
    keys: "tagKeys",
    ..API
};
pub const ROLE: Way = Way {
    service: "iam",
    of: "RoleName",
    list: "ListRoleTags",
    tag: "TagRole",
    untag: "UntagRole",
    in_list: true,
    ..API
};

/// Gives `of` the tags that are wanted and no others.
pub async fn set(
    caller: &Caller<'_>,
    way: &Way,
    of: &str,
    wanted: Map<String, Value>,
) -> Result<(), Failure> {
    let answer = caller.ask(way.service, way.list, json!({ way.of: of })).await?.unwrap_or_default();
    let now: Vec<String> = match &answer[way.tags] {
        Value::Object(tags) => tags.keys().cloned().collect(),
        Value::Array(tags) => tags.iter().filter_map(|tag| tag["Key"].as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let gone: Vec<&String> = now.iter().filter(|key| !wanted.contains_key(*key)).collect();
    if !gone.is_empty() {
        caller.call(way.service, way.untag, json!({ way.of: of, way.keys: gone })).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let pair = |(key, value)| json!({ "Key": key, "Value": value });
    let wanted: Value =
        if way.in_list { wanted.into_iter().map(pair).collect() } else { Value::Object(wanted) };
    caller.call(way.service, way.tag, json!({ way.of: of, way.tags: wanted })).await.map(drop)
}
