//! `AWS::S3::Bucket`.

use serde_json::{Value, json};

use super::{Caller, Failure, Properties, made};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &["BucketName", "NotificationConfiguration", "Tags"];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("BucketName")?;
    let mut input = json!({ "Bucket": name });
    if caller.region.as_str() != "us-east-1" {
        input["CreateBucketConfiguration"] = json!({ "LocationConstraint": caller.region.as_str() });
    }
    caller.call("s3", "CreateBucket", input).await?;
    let arn = json!(format!("arn:aws:s3:::{name}"));
    let domain = json!(format!("{name}.s3.amazonaws.com"));
    let regional = json!(format!("{name}.s3.{}.amazonaws.com", caller.region));
    let bucket = made(&name, [("Arn", &arn), ("DomainName", &domain), ("RegionalDomainName", &regional)]);
    settings(caller, &name, properties).await?;
    Ok(bucket)
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<Made, Failure> {
    settings(caller, &made.physical_id, properties).await?;
    Ok(made.clone())
}

async fn settings(caller: &Caller<'_>, name: &str, properties: &Properties) -> Result<(), Failure> {
    let configurations = notifications(properties)?;
    let input = json!({ "Bucket": name, "NotificationConfiguration": configurations });
    caller.call("s3", "PutBucketNotificationConfiguration", input).await?;
    let tags: Vec<Value> =
        properties.tags().into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    if tags.is_empty() {
        caller.call("s3", "DeleteBucketTagging", json!({ "Bucket": name })).await?;
    } else {
        let input = json!({ "Bucket": name, "Tagging": { "TagSet": tags } });
        caller.call("s3", "PutBucketTagging", input).await?;
    }
    Ok(())
}

/// CloudFormation's names for what S3's own API calls otherwise.
fn notifications(properties: &Properties) -> Result<Value, Failure> {
    let Some(Value::Object(given)) = properties.get("NotificationConfiguration") else {
        return Ok(json!({}));
    };
    if let Some(other) = given.keys().find(|name| *name != "LambdaConfigurations") {
        let text = format!("{}: {other} of NotificationConfiguration is not supported", properties.id);
        return Err(Failure::Template(text));
    }
    let given = given.get("LambdaConfigurations").and_then(Value::as_array).cloned().unwrap_or_default();
    let functions: Vec<Value> = given
        .iter()
        .map(|one| {
            let mut function = json!({ "LambdaFunctionArn": one["Function"], "Events": [one["Event"]] });
            if let Some(rules) = one.pointer("/Filter/S3Key/Rules") {
                let rules = rules.as_array().cloned().unwrap_or_default();
                let rules: Vec<Value> = rules
                    .iter()
                    .map(|rule| json!({ "Name": rule["Name"], "Value": rule["Value"] }))
                    .collect();
                function["Filter"] = json!({ "Key": { "FilterRules": rules } });
            }
            function
        })
        .collect();
    Ok(json!({ "LambdaFunctionConfigurations": functions }))
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("s3", "DeleteBucket", json!({ "Bucket": made.physical_id })).await.map(drop)
}
