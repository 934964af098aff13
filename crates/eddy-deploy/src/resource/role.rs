//! `AWS::IAM::Role`, with its inline and attached policies.

use serde_json::{Value, json};

use super::{Caller, Failure, Properties, made, scalar, tags};
use crate::resolve::{Made, Place};

pub const PROPERTIES: &[&str] = &[
    "AssumeRolePolicyDocument",
    "Description",
    "ManagedPolicyArns",
    "MaxSessionDuration",
    "Path",
    "PermissionsBoundary",
    "Policies",
    "RoleName",
    "Tags",
];
/// How long a session of a role may be where nobody says, seconds.
const SESSION_SECONDS: u32 = 3600;

pub fn stand_in(place: &Place, properties: &Properties) -> Made {
    let name = properties.text("RoleName").unwrap_or_default();
    let path = properties.text("Path").unwrap_or_else(|| "/".to_owned());
    let arn = json!(format!("arn:aws:iam::{}:role{path}{name}", place.account));
    made(name, [("Arn", &arn), ("RoleId", &json!("AROA00000000000000000"))])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let name = properties.needed("RoleName")?;
    let found = caller.ask("iam", "GetRole", json!({ "RoleName": name })).await?;
    Ok(found.map(|found| of_answer(&name, &found)))
}

fn of_answer(name: &str, answer: &Value) -> Made {
    made(name, [("Arn", &answer["Role"]["Arn"]), ("RoleId", &answer["Role"]["RoleId"])])
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("RoleName")?;
    let mut input =
        properties.input(&["Description", "MaxSessionDuration", "Path", "PermissionsBoundary", "RoleName"]);
    let trust = document(properties.get("AssumeRolePolicyDocument"));
    input.insert("AssumeRolePolicyDocument".to_owned(), json!(trust));
    let tags = properties.tag_list();
    if !tags.is_empty() {
        input.insert("Tags".to_owned(), tags.into());
    }
    Ok(of_answer(&name, &caller.call("iam", "CreateRole", input).await?))
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let name = &made.physical_id;
    let trust = document(properties.get("AssumeRolePolicyDocument"));
    let input = json!({ "RoleName": name, "PolicyDocument": trust });
    caller.call("iam", "UpdateAssumeRolePolicy", input).await?;
    let mut input = properties.input(&["Description", "MaxSessionDuration"]);
    input.insert("RoleName".to_owned(), json!(name));
    input.entry("Description").or_insert(json!(""));
    input.entry("MaxSessionDuration").or_insert(json!(SESSION_SECONDS));
    caller.call("iam", "UpdateRole", input).await?;
    tags::set(caller, &tags::ROLE, name, properties.tags()).await?;
    settle(caller, made, properties).await
}

/// Gives the role the policies that are wanted and no others.
pub async fn settle(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let name = &made.physical_id;
    let inline = inline(properties);
    let attached: Vec<String> = properties
        .get("ManagedPolicyArns")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(scalar)
        .collect();
    for arn in &attached {
        caller.call("iam", "AttachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    for (policy, text) in &inline {
        let input = json!({ "RoleName": name, "PolicyName": policy, "PolicyDocument": text });
        caller.call("iam", "PutRolePolicy", input).await?;
    }
    let is_kept_inline = |policy: &String| inline.iter().any(|(known, _)| known == policy);
    take_back(caller, name, |arn| attached.contains(arn), is_kept_inline).await
}

/// Takes the policies back that are not kept.
async fn take_back(
    caller: &Caller<'_>,
    name: &str,
    is_kept: impl Fn(&String) -> bool,
    is_kept_inline: impl Fn(&String) -> bool,
) -> Result<(), Failure> {
    let of = json!({ "RoleName": name });
    let answer = caller.ask("iam", "ListAttachedRolePolicies", of.clone()).await?.unwrap_or_default();
    let attached = answer["AttachedPolicies"].as_array().into_iter().flatten();
    let attached = attached.filter_map(|policy| scalar(&policy["PolicyArn"]));
    for arn in attached.filter(|arn| !is_kept(arn)) {
        caller.call("iam", "DetachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    let answer = caller.ask("iam", "ListRolePolicies", of).await?.unwrap_or_default();
    let inline = answer["PolicyNames"].as_array().into_iter().flatten().filter_map(scalar);
    for policy in inline.filter(|policy| !is_kept_inline(policy)) {
        caller.call("iam", "DeleteRolePolicy", json!({ "RoleName": name, "PolicyName": policy })).await?;
    }
    Ok(())
}

fn inline(properties: &Properties) -> Vec<(String, String)> {
    let policies = properties.get("Policies").and_then(Value::as_array).into_iter().flatten();
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

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    take_back(caller, &made.physical_id, |_| false, |_| false).await?;
    caller.call("iam", "DeleteRole", json!({ "RoleName": made.physical_id })).await.map(drop)
}
