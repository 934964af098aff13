//! `AWS::Lambda::EventInvokeConfig`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] =
    &["DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"];

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let input = properties.input(&["FunctionName", "Qualifier"]);
    let found = caller.ask("lambda", "GetFunctionEventInvokeConfig", input).await?;
    Ok(found.map(|_| made(&properties.id, [])))
}

pub async fn put(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    caller.call("lambda", "PutFunctionEventInvokeConfig", properties.input(PROPERTIES)).await?;
    Ok(made(&properties.id, []))
}

pub async fn delete(caller: &Caller<'_>, old: &Value) -> Result<(), Failure> {
    let mut input = Map::from_iter([("FunctionName".to_owned(), old["FunctionName"].clone())]);
    if let Some(qualifier) = old.get("Qualifier") {
        input.insert("Qualifier".to_owned(), json!(qualifier));
    }
    caller.call("lambda", "DeleteFunctionEventInvokeConfig", input).await.map(drop)
}
