//! `AWS::Lambda::Permission`: one statement of a function's policy.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &[
    "Action",
    "FunctionName",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "Principal",
    "SourceAccount",
    "SourceArn",
];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let mut input = Map::new();
    properties.copy(
        &["Action", "FunctionName", "FunctionUrlAuthType", "Principal", "SourceAccount", "SourceArn"],
        &mut input,
    );
    if properties.text("InvokedViaFunctionUrl").as_deref() == Some("true") {
        input.insert("InvokedViaFunctionUrl".to_owned(), json!(true));
    }
    // The logical id is unique in its template, and a statement's name only in its function's policy.
    input.insert("StatementId".to_owned(), json!(properties.id));
    caller.call("lambda", "AddPermission", input).await?;
    Ok(made(&properties.id, []))
}

pub async fn delete(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let function = scalar(&old["FunctionName"]).unwrap_or_default();
    let input = json!({ "FunctionName": function, "StatementId": made.physical_id });
    caller.call("lambda", "RemovePermission", input).await.map(drop)
}
