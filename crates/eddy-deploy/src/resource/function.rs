//! `AWS::Lambda::Function`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, texts};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &[
    "Architectures",
    "Code",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "Role",
    "Runtime",
    "Tags",
    "Timeout",
    "TracingConfig",
];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("FunctionName")?;
    let mut input = configuration(properties)?;
    input.insert("FunctionName".to_owned(), json!(name));
    input.insert("Code".to_owned(), code(properties)?.into());
    input.insert("Tags".to_owned(), properties.tags().into());
    properties.copy(&["Architectures", "PackageType"], &mut input);
    let answer = caller.call("lambda", "CreateFunction", input).await?;
    Ok(made(name, [("Arn", &answer["FunctionArn"])]))
}

pub async fn update(
    caller: &Caller<'_>,
    made: &Made,
    old: &Value,
    properties: &Properties,
) -> Result<Made, Failure> {
    let name = json!(made.physical_id);
    if old["Code"] != properties.values["Code"] || old["Architectures"] != properties.values["Architectures"]
    {
        let mut input = code(properties)?;
        input.insert("FunctionName".to_owned(), name.clone());
        properties.copy(&["Architectures"], &mut input);
        caller.call("lambda", "UpdateFunctionCode", input).await?;
    }
    let mut input = configuration(properties)?;
    input.insert("FunctionName".to_owned(), name);
    // What left the template goes back to its default.
    for (member, default) in [
        ("Description", json!("")),
        ("Environment", json!({ "Variables": {} })),
        ("MemorySize", json!(128)),
        ("Timeout", json!(3)),
        ("EphemeralStorage", json!({ "Size": 512 })),
    ] {
        input.entry(member).or_insert(default);
    }
    caller.call("lambda", "UpdateFunctionConfiguration", input).await?;
    retag(caller, made, properties).await?;
    Ok(made.clone())
}

async fn retag(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let Some(arn) = made.attributes.get("Arn") else { return Ok(()) };
    let wanted = properties.tags();
    let now = caller.call("lambda", "ListTags", json!({ "Resource": arn })).await?;
    let gone: Vec<&String> = now["Tags"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .filter(|key| !wanted.contains_key(*key))
        .collect();
    if !gone.is_empty() {
        caller.call("lambda", "UntagResource", json!({ "Resource": arn, "TagKeys": gone })).await?;
    }
    if !wanted.is_empty() {
        caller.call("lambda", "TagResource", json!({ "Resource": arn, "Tags": wanted })).await?;
    }
    Ok(())
}

fn configuration(properties: &Properties) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    properties
        .copy(&["Description", "Handler", "LoggingConfig", "Role", "Runtime", "TracingConfig"], &mut input);
    properties.copy_numbers(&["MemorySize", "Timeout"], &mut input)?;
    if let Some(variables) = properties.values.pointer("/Environment/Variables") {
        input.insert("Environment".to_owned(), json!({ "Variables": texts(variables) }));
    }
    if let Some(size) = properties.values.pointer("/EphemeralStorage/Size").and_then(super::scalar) {
        let size: i64 = size
            .parse()
            .map_err(|_| Failure::Template(format!("{}: Size is not a number", properties.id)))?;
        input.insert("EphemeralStorage".to_owned(), json!({ "Size": size }));
    }
    Ok(input)
}

/// The package: a folder's zip, an object, or the text of one file.
fn code(properties: &Properties) -> Result<Map<String, Value>, Failure> {
    let mut code = Map::new();
    if let Some(package) = &properties.package {
        code.insert("ZipFile".to_owned(), json!(BASE64.encode(package)));
        return Ok(code);
    }
    let given = properties.get("Code").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        match name.as_str() {
            "S3Bucket" | "S3Key" => code.insert(name.clone(), value.clone()),
            other => {
                let text = format!("{}: {other} of Code is not supported", properties.id);
                return Err(Failure::Template(text));
            }
        };
    }
    Ok(code)
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("lambda", "DeleteFunction", json!({ "FunctionName": made.physical_id })).await.map(drop)
}
