//! `AWS::ApiGatewayV2::Route` and `AWS::ApiGatewayV2::Integration`.

use serde_json::{Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] =
    &["ApiId", "ApiKeyRequired", "AuthorizationType", "OperationName", "RouteKey", "Target"];
pub const INTEGRATION_PROPERTIES: &[&str] = &[
    "ApiId",
    "ConnectionType",
    "CredentialsArn",
    "Description",
    "IntegrationMethod",
    "IntegrationType",
    "IntegrationUri",
    "PayloadFormatVersion",
    "TimeoutInMillis",
];

pub fn stand_in() -> Made {
    made("0000000", [("RouteId", &json!("0000000"))])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let mut input = properties.input(&["ApiId"]);
    loop {
        let Some(answer) = caller.ask("apigatewayv2", "GetRoutes", input.clone()).await? else {
            return Ok(None);
        };
        let mut routes = answer["Items"].as_array().into_iter().flatten();
        if let Some(route) = routes.find(|route| scalar(&route["RouteKey"]) == properties.text("RouteKey")) {
            return Ok(Some(of_answer(route)));
        }
        let Some(next) = answer.get("NextToken").filter(|next| next.is_string()) else { return Ok(None) };
        input.insert("NextToken".to_owned(), next.clone());
    }
}

fn of_answer(answer: &Value) -> Made {
    let id = &answer["RouteId"];
    made(scalar(id).unwrap_or_default(), [("RouteId", id)])
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    Ok(of_answer(&caller.call("apigatewayv2", "CreateRoute", properties.input(PROPERTIES)).await?))
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let mut input = properties.input(PROPERTIES);
    input.insert("RouteId".to_owned(), json!(made.physical_id));
    caller.call("apigatewayv2", "UpdateRoute", input).await.map(drop)
}

pub async fn delete(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "RouteId": made.physical_id });
    caller.call("apigatewayv2", "DeleteRoute", input).await.map(drop)
}

pub fn integration_stand_in() -> Made {
    made("0000000", [("IntegrationId", &json!("0000000"))])
}

pub async fn create_integration(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    let input = properties.input(INTEGRATION_PROPERTIES);
    Ok(of_integration(&caller.call("apigatewayv2", "CreateIntegration", input).await?))
}

pub fn of_integration(answer: &Value) -> Made {
    let id = &answer["IntegrationId"];
    made(scalar(id).unwrap_or_default(), [("IntegrationId", id)])
}

/// Does an integration lead to where was wanted?
pub fn is_like(integration: &Value, wanted: &Value) -> bool {
    ["IntegrationType", "IntegrationUri"].iter().all(|name| integration[*name] == wanted[*name])
}

pub async fn update_integration(
    caller: &Caller<'_>,
    made: &Made,
    properties: &Properties,
) -> Result<(), Failure> {
    let mut input = properties.input(INTEGRATION_PROPERTIES);
    input.insert("IntegrationId".to_owned(), json!(made.physical_id));
    input.entry("Description").or_insert(json!(""));
    caller.call("apigatewayv2", "UpdateIntegration", input).await.map(drop)
}

pub async fn delete_integration(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "IntegrationId": made.physical_id });
    caller.call("apigatewayv2", "DeleteIntegration", input).await.map(drop)
}
