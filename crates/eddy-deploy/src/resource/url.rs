//! `AWS::Lambda::Url`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &["AuthType", "Cors", "InvokeMode", "Qualifier", "TargetFunctionArn"];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let answer = caller.call("lambda", "CreateFunctionUrlConfig", input(properties)?).await?;
    let arn = scalar(&answer["FunctionArn"]).unwrap_or_default();
    Ok(made(arn, [("FunctionUrl", &answer["FunctionUrl"]), ("FunctionArn", &answer["FunctionArn"])]))
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<Made, Failure> {
    let mut input = input(properties)?;
    input.entry("Cors").or_insert_with(|| json!({}));
    caller.call("lambda", "UpdateFunctionUrlConfig", input).await?;
    Ok(made.clone())
}

fn input(properties: &Properties) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    input.insert("FunctionName".to_owned(), json!(properties.needed("TargetFunctionArn")?));
    properties.copy(&["AuthType", "Cors", "InvokeMode", "Qualifier"], &mut input);
    Ok(input)
}

pub async fn delete(caller: &Caller<'_>, old: &Value) -> Result<(), Failure> {
    let mut input = json!({ "FunctionName": old["TargetFunctionArn"] });
    if let Some(qualifier) = old.get("Qualifier") {
        input["Qualifier"] = qualifier.clone();
    }
    caller.call("lambda", "DeleteFunctionUrlConfig", input).await.map(drop)
}
