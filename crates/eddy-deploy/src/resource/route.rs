//! `AWS::ApiGatewayV2::Route` and `AWS::ApiGatewayV2::Integration`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &["ApiId", "RouteKey", "Target"];
pub const INTEGRATION_PROPERTIES: &[&str] = &[
    "ApiId",
    "Description",
    "IntegrationMethod",
    "IntegrationType",
    "IntegrationUri",
    "PayloadFormatVersion",
    "TimeoutInMillis",
];

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let mut input = Map::new();
    properties.copy(PROPERTIES, &mut input);
    let answer = caller.call("apigatewayv2", "CreateRoute", input).await?;
    Ok(made(scalar(&answer["RouteId"]).unwrap_or_default(), [("RouteId", &answer["RouteId"])]))
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<Made, Failure> {
    let mut input = Map::new();
    properties.copy(PROPERTIES, &mut input);
    input.insert("RouteId".to_owned(), json!(made.physical_id));
    caller.call("apigatewayv2", "UpdateRoute", input).await?;
    Ok(made.clone())
}

pub async fn delete(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "RouteId": made.physical_id });
    caller.call("apigatewayv2", "DeleteRoute", input).await.map(drop)
}

fn integration(properties: &Properties) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    properties.copy(
        &[
            "ApiId",
            "Description",
            "IntegrationMethod",
            "IntegrationType",
            "IntegrationUri",
            "PayloadFormatVersion",
        ],
        &mut input,
    );
    properties.copy_numbers(&["TimeoutInMillis"], &mut input)?;
    Ok(input)
}

pub async fn create_integration(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let answer = caller.call("apigatewayv2", "CreateIntegration", integration(properties)?).await?;
    let id = &answer["IntegrationId"];
    Ok(made(scalar(id).unwrap_or_default(), [("IntegrationId", id)]))
}

pub async fn update_integration(
    caller: &Caller<'_>,
    made: &Made,
    properties: &Properties,
) -> Result<Made, Failure> {
    let mut input = integration(properties)?;
    input.insert("IntegrationId".to_owned(), json!(made.physical_id));
    caller.call("apigatewayv2", "UpdateIntegration", input).await?;
    Ok(made.clone())
}

pub async fn delete_integration(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "IntegrationId": made.physical_id });
    caller.call("apigatewayv2", "DeleteIntegration", input).await.map(drop)
}
