//! `AWS::Lambda::Function`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, tags};
use crate::resolve::{Made, Place};

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
    "SnapStart",
    "Tags",
    "Timeout",
    "TracingConfig",
];
/// Those that the operations have by the same names.
const SAME: &[&str] = &[
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
];

pub fn stand_in(place: &Place, properties: &Properties) -> Made {
    let name = properties.text("FunctionName").unwrap_or_default();
    let arn = format!("arn:aws:lambda:{}:{}:function:{name}", place.region, place.account);
    made(name, [("Arn", &json!(arn))])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let name = properties.needed("FunctionName")?;
    let found = caller.ask("lambda", "GetFunctionConfiguration", json!({ "FunctionName": name })).await?;
    Ok(found.map(|found| made(name, [("Arn", &found["FunctionArn"])])))
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("FunctionName")?;
    let mut input = properties.input(SAME);
    input.extend(properties.input(&["Architectures", "FunctionName", "PackageType"]));
    input.insert("Code".to_owned(), code(properties)?.into());
    input.insert("Tags".to_owned(), properties.tags().into());
    let answer = caller.call("lambda", "CreateFunction", input).await?;
    Ok(made(name, [("Arn", &answer["FunctionArn"])]))
}

pub async fn update(
    caller: &Caller<'_>,
    made: &Made,
    old: &Value,
    properties: &Properties,
) -> Result<(), Failure> {
    let name = json!(made.physical_id);
    if ["Architectures", "Code"].iter().any(|member| old[*member] != properties.values[*member]) {
        let mut input = code(properties)?;
        input.extend(properties.input(&["Architectures"]));
        input.insert("FunctionName".to_owned(), name.clone());
        caller.call("lambda", "UpdateFunctionCode", input).await?;
    }
    let mut input = properties.input(SAME);
    let usual_log = json!({ "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{}", made.physical_id) });
    input.insert("FunctionName".to_owned(), name);
    // What left the template goes back to its default.
    for (member, default) in [
        ("Description", json!("")),
        ("Environment", json!({ "Variables": {} })),
        ("MemorySize", json!(128)),
        ("Timeout", json!(3)),
        ("EphemeralStorage", json!({ "Size": 512 })),
        ("LoggingConfig", usual_log.clone()),
    ] {
        input.entry(member).or_insert(default);
    }
    if let (Some(Value::Object(log)), Value::Object(usual)) = (input.get_mut("LoggingConfig"), usual_log) {
        for (member, default) in usual {
            log.entry(member).or_insert(default);
        }
    }
    caller.call("lambda", "UpdateFunctionConfiguration", input).await?;
    let Some(arn) = made.attributes.get("Arn") else { return Ok(()) };
    tags::set(caller, &tags::FUNCTION, arn, properties.tags()).await
}

/// The package: a folder's zip, an object, or the text of one file.
fn code(properties: &Properties) -> Result<Map<String, Value>, Failure> {
    if let Some(package) = &properties.package {
        return Ok(Map::from_iter([("ZipFile".to_owned(), json!(BASE64.encode(package)))]));
    }
    let Some(given) = properties.get("Code").and_then(Value::as_object) else {
        return Err(Failure::Template("Code is missing".to_owned()));
    };
    match given.keys().find(|name| !["S3Bucket", "S3Key"].contains(&name.as_str())) {
        Some(other) => Err(Failure::Template(format!("Code.{other} is not supported"))),
        None => Ok(given.clone()),
    }
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("lambda", "DeleteFunction", json!({ "FunctionName": made.physical_id })).await.map(drop)
}
