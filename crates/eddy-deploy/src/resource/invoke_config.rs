//! `AWS::Lambda::EventInvokeConfig`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] =
    &["FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"];

pub async fn put(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let mut input = Map::new();
    properties.copy(&["FunctionName", "Qualifier"], &mut input);
    properties.copy_numbers(&["MaximumEventAgeInSeconds", "MaximumRetryAttempts"], &mut input)?;
    caller.call("lambda", "PutFunctionEventInvokeConfig", input).await?;
    Ok(made(&properties.id, []))
}

pub async fn delete(caller: &Caller<'_>, old: &Value) -> Result<(), Failure> {
    let input = json!({ "FunctionName": old["FunctionName"], "Qualifier": old["Qualifier"] });
    caller.call("lambda", "DeleteFunctionEventInvokeConfig", input).await.map(drop)
}
