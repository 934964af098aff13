//! `AWS::ApiGatewayV2::Api`, from an OpenAPI body or from its properties, and `AWS::ApiGatewayV2::Stage`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar, texts};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &["Body", "CorsConfiguration", "Description", "Name", "ProtocolType", "Tags"];
pub const STAGE_PROPERTIES: &[&str] =
    &["ApiId", "AutoDeploy", "Description", "StageName", "StageVariables", "Tags"];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let answer = match properties.get("Body") {
        Some(body) => caller.call("apigatewayv2", "ImportApi", json!({ "Body": body.to_string() })).await?,
        None => caller.call("apigatewayv2", "CreateApi", plain(properties)).await?,
    };
    let id = scalar(&answer["ApiId"]).unwrap_or_default();
    Ok(made(id, [("ApiEndpoint", &answer["ApiEndpoint"]), ("ApiId", &answer["ApiId"])]))
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<Made, Failure> {
    let id = &made.physical_id;
    match properties.get("Body") {
        Some(body) => {
            let input = json!({ "ApiId": id, "Body": body.to_string() });
            caller.call("apigatewayv2", "ReimportApi", input).await?;
        }
        None => {
            let mut input = plain(properties);
            input.remove("ProtocolType");
            input.remove("Tags");
            input.insert("ApiId".to_owned(), json!(id));
            caller.call("apigatewayv2", "UpdateApi", input).await?;
        }
    }
    Ok(made.clone())
}

fn plain(properties: &Properties) -> Map<String, Value> {
    let mut input = Map::new();
    properties.copy(&["CorsConfiguration", "Description", "Name", "ProtocolType"], &mut input);
    input.insert("Tags".to_owned(), properties.tags().into());
    input
}

pub async fn delete(caller: &Caller<'_>, made: &Made) -> Result<(), Failure> {
    caller.call("apigatewayv2", "DeleteApi", json!({ "ApiId": made.physical_id })).await.map(drop)
}

pub async fn create_stage(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let name = properties.needed("StageName")?;
    let mut input = stage(properties);
    input.insert("Tags".to_owned(), properties.tags().into());
    caller.call("apigatewayv2", "CreateStage", input).await?;
    Ok(made(name, []))
}

pub async fn update_stage(
    caller: &Caller<'_>,
    made: &Made,
    properties: &Properties,
) -> Result<Made, Failure> {
    caller.call("apigatewayv2", "UpdateStage", stage(properties)).await?;
    Ok(made.clone())
}

fn stage(properties: &Properties) -> Map<String, Value> {
    let mut input = Map::new();
    properties.copy(&["ApiId", "Description", "StageName"], &mut input);
    if let Some(automatic) = properties.text("AutoDeploy") {
        input.insert("AutoDeploy".to_owned(), json!(automatic == "true"));
    }
    if let Some(variables) = properties.get("StageVariables") {
        input.insert("StageVariables".to_owned(), texts(variables));
    }
    input
}

pub async fn delete_stage(caller: &Caller<'_>, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "StageName": old["StageName"] });
    caller.call("apigatewayv2", "DeleteStage", input).await.map(drop)
}
