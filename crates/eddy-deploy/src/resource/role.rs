//! `AWS::IAM::Role`, with its inline and attached policies.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &[
    "AssumeRolePolicyDocument",
    "Description",
    "ManagedPolicyArns",
    "MaxSessionDuration",
    "Path",
    "Policies",
    "RoleName",
    "Tags",
];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("RoleName")?;
    let mut input = Map::new();
    input.insert("RoleName".to_owned(), json!(name));
    input.insert(
        "AssumeRolePolicyDocument".to_owned(),
        json!(document(properties.get("AssumeRolePolicyDocument"))),
    );
    properties.copy(&["Description", "Path"], &mut input);
    properties.copy_numbers(&["MaxSessionDuration"], &mut input)?;
    let tags: Vec<Value> =
        properties.tags().into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    if !tags.is_empty() {
        input.insert("Tags".to_owned(), tags.into());
    }
    let answer = caller.call("iam", "CreateRole", input).await?;
    let role = made(&name, [("Arn", &answer["Role"]["Arn"]), ("RoleId", &answer["Role"]["RoleId"])]);
    grant(caller, &name, &Value::Null, &properties.values).await?;
    Ok(role)
}

pub async fn update(
    caller: &Caller<'_>,
    made: &Made,
    old: &Value,
    properties: &Properties,
) -> Result<Made, Failure> {
    let name = &made.physical_id;
    let trust = document(properties.get("AssumeRolePolicyDocument"));
    caller
        .call("iam", "UpdateAssumeRolePolicy", json!({ "RoleName": name, "PolicyDocument": trust }))
        .await?;
    let mut input = Map::new();
    input.insert("RoleName".to_owned(), json!(name));
    properties.copy(&["Description"], &mut input);
    properties.copy_numbers(&["MaxSessionDuration"], &mut input)?;
    caller.call("iam", "UpdateRole", input).await?;
    grant(caller, name, old, &properties.values).await?;
    Ok(made.clone())
}

/// Attaches and writes what is wanted, and takes back what was there and is wanted no more.
async fn grant(caller: &Caller<'_>, name: &str, old: &Value, new: &Value) -> Result<(), Failure> {
    let (before, now) = (arns(old), arns(new));
    for arn in now.iter().filter(|arn| !before.contains(arn)) {
        caller.call("iam", "AttachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    for arn in before.iter().filter(|arn| !now.contains(arn)) {
        caller.call("iam", "DetachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    let (before, now) = (inline(old), inline(new));
    for (policy, text) in &now {
        let input = json!({ "RoleName": name, "PolicyName": policy, "PolicyDocument": text });
        caller.call("iam", "PutRolePolicy", input).await?;
    }
    for (policy, _) in before.iter().filter(|(policy, _)| !now.iter().any(|(known, _)| known == policy)) {
        caller.call("iam", "DeleteRolePolicy", json!({ "RoleName": name, "PolicyName": policy })).await?;
    }
    Ok(())
}

fn arns(properties: &Value) -> Vec<String> {
    properties["ManagedPolicyArns"].as_array().into_iter().flatten().filter_map(scalar).collect()
}

fn inline(properties: &Value) -> Vec<(String, String)> {
    let policies = properties["Policies"].as_array().into_iter().flatten();
    policies
        .filter_map(|policy| Some((scalar(&policy["PolicyName"])?, document(policy.get("PolicyDocument")))))
        .collect()
}

/// A policy as text; one without a version has that of 2012, which is what templates mean.
fn document(document: Option<&Value>) -> String {
    let mut document = document.cloned().unwrap_or(Value::Null);
    if let Value::Object(members) = &mut document {
        members.entry("Version").or_insert_with(|| json!("2012-10-17"));
    }
    document.to_string()
}

pub async fn delete(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    grant(caller, &made.physical_id, old, &Value::Null).await?;
    caller.call("iam", "DeleteRole", json!({ "RoleName": made.physical_id })).await.map(drop)
}
