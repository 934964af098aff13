//! `AWS::ApiGatewayV2::Deployment`.

use serde_json::{Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::Made;

pub const PROPERTIES: &[&str] = &["ApiId", "Description", "StageName"];

pub fn stand_in() -> Made {
    made("000000", [("DeploymentId", &json!("000000"))])
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    Ok(of_answer(&caller.call("apigatewayv2", "CreateDeployment", properties.input(PROPERTIES)).await?))
}

pub fn of_answer(answer: &Value) -> Made {
    let id = &answer["DeploymentId"];
    made(scalar(id).unwrap_or_default(), [("DeploymentId", id)])
}

/// Is a deployment described as was wanted?
pub fn is_like(deployment: &Value, wanted: &Value) -> bool {
    let description = |of: &Value| scalar(&of["Description"]).unwrap_or_default();
    description(deployment) == description(wanted)
}

pub async fn update(caller: &Caller<'_>, made: &Made, properties: &Properties) -> Result<(), Failure> {
    let mut input = properties.input(&["ApiId", "Description"]);
    input.entry("Description").or_insert(json!(""));
    input.insert("DeploymentId".to_owned(), json!(made.physical_id));
    caller.call("apigatewayv2", "UpdateDeployment", input).await.map(drop)
}

pub async fn delete(caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let input = json!({ "ApiId": old["ApiId"], "DeploymentId": made.physical_id });
    caller.call("apigatewayv2", "DeleteDeployment", input).await.map(drop)
}
