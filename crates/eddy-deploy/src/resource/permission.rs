//! `AWS::Lambda::Permission`: one statement of a function's policy.

use serde_json::{Value, json};

use super::{Caller, Failure, Properties, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &[
    "Action",
    "EventSourceToken",
    "FunctionName",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "Principal",
    "PrincipalOrgID",
    "SourceAccount",
    "SourceArn",
];

/// The statement's name says whose it is and what is in it, so two that differ can stand beside each other.
pub fn made(properties: &Properties) -> Made {
    let Properties { id, stack, values, .. } = properties;
    let hash = eddy_wire::sign::sha256_hex(format!("{stack}\n{id}\n{values}").as_bytes());
    let short = |text: &str| text.chars().take(32).collect::<String>();
    super::made(format!("{}-{}-{}", short(stack), short(id), &hash[..12]), [])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let wanted = made(properties);
    let answer = caller.ask("lambda", "GetPolicy", properties.input(&["FunctionName"])).await?;
    let policy = answer.and_then(|answer| serde_json::from_str(answer["Policy"].as_str()?).ok());
    let policy: Value = policy.unwrap_or_default();
    let statements = policy["Statement"].as_array();
    let is_there =
        statements.into_iter().flatten().any(|one| one["Sid"].as_str() == Some(&wanted.physical_id));
    Ok(is_there.then_some(wanted))
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let made = made(properties);
    let mut input = properties.input(PROPERTIES);
    input.insert("StatementId".to_owned(), json!(made.physical_id));
    caller.call("lambda", "AddPermission", input).await?;
    Ok(made)
}

/// Adds the statement unless it is there: one that is there is the one that is wanted, since its name says what is
/// in it.
pub async fn restore(caller: &Caller<'_>, properties: &Properties) -> Result<(), Failure> {
    match find(caller, properties).await? {
        Some(_) => Ok(()),
        None => create(caller, properties).await.map(drop),
    }
}

pub async fn delete(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let function = scalar(&old["FunctionName"]).unwrap_or_default();
    let input = json!({ "FunctionName": function, "StatementId": made.physical_id });
    caller.call("lambda", "RemovePermission", input).await.map(drop)
}
