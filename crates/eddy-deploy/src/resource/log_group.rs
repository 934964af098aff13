//! `AWS::Logs::LogGroup`.

use serde_json::json;

use super::{Caller, Failure, Properties, made, tags};
use crate::resolve::{Made, Place};

pub const PROPERTIES: &[&str] = &["LogGroupClass", "LogGroupName", "RetentionInDays", "Tags"];

pub fn stand_in(place: &Place, properties: &Properties) -> Made {
    let name = properties.text("LogGroupName").unwrap_or_default();
    let arn = format!("arn:aws:logs:{}:{}:log-group:{name}:*", place.region, place.account);
    made(name, [("Arn", &json!(arn))])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let name = properties.needed("LogGroupName")?;
    let answer = caller.ask("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": name })).await?;
    let groups = answer.as_ref().and_then(|answer| answer["logGroups"].as_array());
    let found = groups.into_iter().flatten().find(|group| group["logGroupName"] == json!(name));
    Ok(found.map(|group| made(&name, [("Arn", &group["arn"])])))
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("LogGroupName")?;
    let mut input = json!({ "logGroupName": name });
    if let Some(class) = properties.get("LogGroupClass") {
        input["logGroupClass"] = class.clone();
    }
    caller.call("logs", "CreateLogGroup", input).await?;
    let found = find(caller, properties).await?;
    Ok(found.unwrap_or_else(|| made(name, [])))
}

/// Gives the group its retention and tags.
pub async fn settle(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let name = json!(made.physical_id);
    match properties.get("RetentionInDays") {
        Some(days) => {
            let input = json!({ "logGroupName": name, "retentionInDays": days });
            caller.call("logs", "PutRetentionPolicy", input).await?
        }
        None => caller.call("logs", "DeleteRetentionPolicy", json!({ "logGroupName": name })).await?,
    };
    // A rehearsal has none.
    let Some(arn) = made.attributes.get("Arn") else { return Ok(()) };
    tags::set(caller, &tags::LOG_GROUP, arn.trim_end_matches(":*"), properties.tags()).await
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("logs", "DeleteLogGroup", json!({ "logGroupName": made.physical_id })).await.map(drop)
}
