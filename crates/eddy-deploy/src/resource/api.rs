//! `AWS::ApiGatewayV2::Api`, from an OpenAPI body or from its properties, and `AWS::ApiGatewayV2::Stage`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar, tags};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &[
    "ApiKeySelectionExpression",
    "Body",
    "CorsConfiguration",
    "CredentialsArn",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "FailOnWarnings",
    "IpAddressType",
    "Name",
    "ProtocolType",
    "RouteSelectionExpression",
    "Tags",
    "Version",
];
/// Those that the operations have by the same names.
const SAME: &[&str] = &[
    "ApiKeySelectionExpression",
    "CorsConfiguration",
    "CredentialsArn",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "IpAddressType",
    "Name",
    "RouteSelectionExpression",
    "Version",
];
pub const STAGE_PROPERTIES: &[&str] = &[
    "AccessLogSettings",
    "ApiId",
    "AutoDeploy",
    "ClientCertificateId",
    "DefaultRouteSettings",
    "DeploymentId",
    "Description",
    "RouteSettings",
    "StageName",
    "StageVariables",
    "Tags",
];

/// An id looks like this.
pub const ID: &str = "0000000000";

pub fn stand_in() -> Made {
    let endpoint = json!(format!("http://{ID}.execute-api.localhost"));
    made(ID, [("ApiEndpoint", &endpoint), ("ApiId", &json!(ID))])
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let Some(input) = body(properties) else {
        let mut input = properties.input(SAME);
        input.extend(properties.input(&["ProtocolType"]));
        input.insert("Tags".to_owned(), properties.tags().into());
        return Ok(of_answer(&caller.call("apigatewayv2", "CreateApi", input).await?));
    };
    Ok(of_answer(&caller.call("apigatewayv2", "ImportApi", input).await?))
}

/// Does an API have the name that was wanted, by a property or in a definition?
pub fn is_like(api: &Value, wanted: &Value) -> bool {
    let name = scalar(&wanted["Name"]).or_else(|| scalar(&wanted["Body"]["info"]["title"]));
    scalar(&api["Name"]) == name
}

pub fn of_answer(answer: &Value) -> Made {
    let id = &answer["ApiId"];
    made(scalar(id).unwrap_or_default(), [("ApiEndpoint", &answer["ApiEndpoint"]), ("ApiId", id)])
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let id = json!(made.physical_id);
    if let Some(mut input) = body(properties) {
        input.insert("ApiId".to_owned(), id);
        caller.call("apigatewayv2", "ReimportApi", input).await?;
        return settle(caller, made, properties).await;
    }
    let mut input = properties.input(SAME);
    input.insert("ApiId".to_owned(), id);
    // What left the template goes back to its default.
    for (member, default) in [("Description", json!("")), ("Version", json!(""))] {
        input.entry(member).or_insert(default);
    }
    caller.call("apigatewayv2", "UpdateApi", input).await?;
    if properties.get("CorsConfiguration").is_none() {
        caller.call("apigatewayv2", "DeleteCorsConfiguration", json!({ "ApiId": made.physical_id })).await?;
    }
    tags::set(caller, &tags::API, &arn(caller, &made.physical_id), properties.tags()).await
}

fn arn(caller: &Caller<'_>, api: &str) -> String {
    format!("arn:aws:apigateway:{}::/apis/{api}", caller.region)
}

/// The definition, where the API has one.
fn body(properties: &Properties) -> Option<Map<String, Value>> {
    let body = properties.get("Body")?;
    let mut input = properties.input(&["FailOnWarnings"]);
    input.insert("Body".to_owned(), json!(body.to_string()));
    Some(input)
}

/// Gives an API that was imported what stands beside its definition, and so wins over it.
pub async fn settle(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    if properties.get("Body").is_none() {
        return Ok(());
    }
    let mut input = properties.input(SAME);
    if !input.is_empty() {
        input.insert("ApiId".to_owned(), json!(made.physical_id));
        caller.call("apigatewayv2", "UpdateApi", input).await?;
    }
    let tags = properties.tags();
    if !tags.is_empty() {
        let input = json!({ "ResourceArn": arn(caller, &made.physical_id), "Tags": tags });
        caller.call("apigatewayv2", "TagResource", input).await?;
    }
    Ok(())
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("apigatewayv2", "DeleteApi", json!({ "ApiId": made.physical_id })).await.map(drop)
}

pub async fn find_stage(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let input = properties.input(&["ApiId", "StageName"]);
    let answer = caller.ask("apigatewayv2", "GetStage", input).await?;
    Ok(answer.map(|stage| made(scalar(&stage["StageName"]).unwrap_or_default(), [])))
}

pub async fn create_stage(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("StageName")?;
    let mut input = properties.input(STAGE_PROPERTIES);
    input.insert("Tags".to_owned(), properties.tags().into());
    caller.call("apigatewayv2", "CreateStage", input).await?;
    Ok(made(name, []))
}

pub async fn update_stage(caller: &Caller<'_>, properties: &Properties) -> Result<(), Failure> {
    let mut input = properties.input(STAGE_PROPERTIES);
    input.remove("Tags");
    for (member, default) in
        [("AutoDeploy", json!(false)), ("Description", json!("")), ("StageVariables", json!({}))]
    {
        input.entry(member).or_insert(default);
    }
    caller.call("apigatewayv2", "UpdateStage", input).await?;
    let (api, name) = (properties.needed("ApiId")?, properties.needed("StageName")?);
    let arn = format!("{}/stages/{name}", arn(caller, &api));
    tags::set(caller, &tags::API, &arn, properties.tags()).await
}

pub async fn delete_stage(caller: &Caller<'_>, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "StageName": old["StageName"] });
    caller.call("apigatewayv2", "DeleteStage", input).await.map(drop)
}
