//! `AWS::Logs::LogGroup`.

use serde_json::{Map, json};

use super::{Caller, Failure, Properties, made};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &["LogGroupName", "RetentionInDays", "Tags"];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("LogGroupName")?;
    let mut input = json!({ "logGroupName": name });
    let tags = properties.tags();
    if !tags.is_empty() {
        input["tags"] = tags.into();
    }
    caller.call("logs", "CreateLogGroup", input).await?;
    retain(caller, &name, properties).await?;
    let groups = caller.call("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": name })).await?;
    Ok(made(&name, [("Arn", &groups["logGroups"][0]["arn"])]))
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<Made, Failure> {
    retain(caller, &made.physical_id, properties).await?;
    Ok(made.clone())
}

async fn retain(caller: &Caller<'_>, name: &str, properties: &Properties) -> Result<(), Failure> {
    let mut input = Map::new();
    properties.copy_numbers(&["RetentionInDays"], &mut input)?;
    match input.remove("RetentionInDays") {
        Some(days) => {
            let input = json!({ "logGroupName": name, "retentionInDays": days });
            caller.call("logs", "PutRetentionPolicy", input).await.map(drop)
        }
        None => caller.call("logs", "DeleteRetentionPolicy", json!({ "logGroupName": name })).await.map(drop),
    }
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("logs", "DeleteLogGroup", json!({ "logGroupName": made.physical_id })).await.map(drop)
}
