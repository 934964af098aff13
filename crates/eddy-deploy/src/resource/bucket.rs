//! `AWS::S3::Bucket`.

use serde_json::{Value, json};

use super::{Caller, Failure, Properties, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &[
    "AccessControl",
    "BucketEncryption",
    "BucketName",
    "NotificationConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
];

/// Refuses properties that ask for another bucket than every one here is: its owner's alone, whatever lists or
/// policies might say.
fn check(properties: &Properties) -> Result<(), Failure> {
    let wrong = |name: &str| Err(Failure::Template(format!("this {name} is not supported")));
    let is_private = |value: &Value| value == "Private";
    if properties.get("AccessControl").is_some_and(|value| !is_private(value)) {
        return wrong("AccessControl");
    }
    let enforced = json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] });
    if properties.get("OwnershipControls").is_some_and(|value| *value != enforced) {
        return wrong("OwnershipControls");
    }
    let blocks = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
    let blocks_all = |value: &Value| {
        value.as_object().is_some_and(|given| given.keys().all(|name| blocks.contains(&name.as_str())))
            && blocks.iter().all(|name| scalar(&value[*name]).as_deref() == Some("true"))
    };
    if properties.get("PublicAccessBlockConfiguration").is_some_and(|value| !blocks_all(value)) {
        return wrong("PublicAccessBlockConfiguration");
    }
    Ok(())
}

pub fn made(properties: &Properties, region: &str) -> Made {
    let name = properties.text("BucketName").unwrap_or_default();
    let arn = json!(format!("arn:aws:s3:::{name}"));
    let domain = json!(format!("{name}.s3.amazonaws.com"));
    let regional = json!(format!("{name}.s3.{region}.amazonaws.com"));
    super::made(&name, [("Arn", &arn), ("DomainName", &domain), ("RegionalDomainName", &regional)])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let name = properties.needed("BucketName")?;
    let found = caller.ask("s3", "GetBucketLocation", json!({ "Bucket": name })).await?;
    Ok(found.map(|_| made(properties, caller.region.as_str())))
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let mut input = json!({ "Bucket": properties.needed("BucketName")? });
    if caller.region.as_str() != "us-east-1" {
        input["CreateBucketConfiguration"] = json!({ "LocationConstraint": caller.region.as_str() });
    }
    caller.call("s3", "CreateBucket", input).await?;
    Ok(made(properties, caller.region.as_str()))
}

/// Gives the bucket its notifications and tags.
pub async fn settle(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    check(properties)?;
    let name = &made.physical_id;
    let configurations = notifications(properties)?;
    let input = json!({ "Bucket": name, "NotificationConfiguration": configurations });
    caller.call("s3", "PutBucketNotificationConfiguration", input).await?;
    if let Some(encryption) = properties.get("BucketEncryption") {
        let input =
            json!({ "Bucket": name, "ServerSideEncryptionConfiguration": { "Rules": rules(encryption)? } });
        caller.call("s3", "PutBucketEncryption", input).await?;
    }
    let tags = properties.tag_list();
    if tags.is_empty() {
        return caller.call("s3", "DeleteBucketTagging", json!({ "Bucket": name })).await.map(drop);
    }
    let input = json!({ "Bucket": name, "Tagging": { "TagSet": tags } });
    caller.call("s3", "PutBucketTagging", input).await.map(drop)
}

/// CloudFormation's rules of encryption by the names of S3's own API.
fn rules(encryption: &Value) -> Result<Vec<Value>, Failure> {
    let given = encryption["ServerSideEncryptionConfiguration"].as_array();
    let missing =
        || Failure::Template("BucketEncryption.ServerSideEncryptionConfiguration is missing".to_owned());
    let renamed = |rule: &Value| {
        let mut rule = rule.as_object().cloned().unwrap_or_default();
        if let Some(by_default) = rule.remove("ServerSideEncryptionByDefault") {
            rule.insert("ApplyServerSideEncryptionByDefault".to_owned(), by_default);
        }
        Value::Object(rule)
    };
    Ok(given.ok_or_else(missing)?.iter().map(renamed).collect())
}

/// CloudFormation's names for what S3's own API calls otherwise. What is no configuration of functions is handed on
/// by its name, for the operation to refuse.
fn notifications(properties: &Properties) -> Result<Value, Failure> {
    let Some(Value::Object(given)) = properties.get("NotificationConfiguration") else {
        return Ok(json!({}));
    };
    let mut all = serde_json::Map::new();
    for (name, value) in given {
        let list = value.as_array().cloned().unwrap_or_default();
        match name.as_str() {
            "LambdaConfigurations" => {
                let functions = list.iter().map(function).collect::<Result<Vec<Value>, _>>()?;
                all.insert("LambdaFunctionConfigurations".to_owned(), functions.into());
            }
            _ if list.is_empty() && value.is_array() => {}
            other => {
                return Err(Failure::Template(format!("NotificationConfiguration.{other} is not supported")));
            }
        }
    }
    Ok(all.into())
}

fn function(one: &Value) -> Result<Value, Failure> {
    let known = ["Event", "Filter", "Function"];
    if let Some(other) =
        one.as_object().and_then(|one| one.keys().find(|name| !known.contains(&name.as_str())))
    {
        let text = format!("NotificationConfiguration.LambdaConfigurations.{other} is not supported");
        return Err(Failure::Template(text));
    }
    let mut function = json!({ "LambdaFunctionArn": one["Function"], "Events": [one["Event"]] });
    if let Some(rules) = one.pointer("/Filter/S3Key/Rules").and_then(Value::as_array) {
        let rule = |rule: &Value| json!({ "Name": rule["Name"], "Value": rule["Value"] });
        let rules: Vec<Value> = rules.iter().map(rule).collect();
        function["Filter"] = json!({ "Key": { "FilterRules": rules } });
    }
    Ok(function)
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("s3", "DeleteBucket", json!({ "Bucket": made.physical_id })).await.map(drop)
}
