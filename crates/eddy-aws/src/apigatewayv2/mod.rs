//! API Gateway's second API: HTTP APIs in front of functions.
//!
//! Integrations are functions (`AWS_PROXY`). WebSocket APIs, other integrations, authorizers, models, domain
//! names, mappings, VPC links, portals, throttles and access logs are refused by name.

mod create_api;
mod create_deployment;
mod create_integration;
mod create_route;
mod create_stage;
mod delete_api;
mod delete_cors_configuration;
mod delete_deployment;
mod delete_integration;
mod delete_route;
mod delete_stage;
mod endpoint;
mod fault;
mod get_api;
mod get_apis;
mod get_deployment;
mod get_deployments;
mod get_integration;
mod get_integrations;
mod get_route;
mod get_routes;
mod get_stage;
mod get_stages;
mod get_tags;
mod import_api;
mod input;
mod openapi;
mod page;
mod reimport_api;
mod shape;
mod tag_resource;
mod tagged;
mod untag_resource;
mod update_api;
mod update_deployment;
mod update_integration;
mod update_route;
mod update_stage;

use crate::{Cx, Needs, Service, op};

pub(crate) static SERVICE: Service = Service {
    name: "apigatewayv2",
    operations: &[
        op::<create_api::CreateApi>(),
        op::<create_deployment::CreateDeployment>(),
        op::<create_integration::CreateIntegration>(),
        op::<create_route::CreateRoute>(),
        op::<create_stage::CreateStage>(),
        op::<delete_api::DeleteApi>(),
        op::<delete_cors_configuration::DeleteCorsConfiguration>(),
        op::<delete_deployment::DeleteDeployment>(),
        op::<delete_integration::DeleteIntegration>(),
        op::<delete_route::DeleteRoute>(),
        op::<delete_stage::DeleteStage>(),
        op::<get_api::GetApi>(),
        op::<get_apis::GetApis>(),
        op::<get_deployment::GetDeployment>(),
        op::<get_deployments::GetDeployments>(),
        op::<get_integration::GetIntegration>(),
        op::<get_integrations::GetIntegrations>(),
        op::<get_route::GetRoute>(),
        op::<get_routes::GetRoutes>(),
        op::<get_stage::GetStage>(),
        op::<get_stages::GetStages>(),
        op::<get_tags::GetTags>(),
        op::<import_api::ImportApi>(),
        op::<reimport_api::ReimportApi>(),
        op::<tag_resource::TagResource>(),
        op::<untag_resource::UntagResource>(),
        op::<update_api::UpdateApi>(),
        op::<update_deployment::UpdateDeployment>(),
        op::<update_integration::UpdateIntegration>(),
        op::<update_route::UpdateRoute>(),
        op::<update_stage::UpdateStage>(),
    ],
    errors: fault::name,
    form: None,
};

const GET: &str = "apigateway:GET";
const POST: &str = "apigateway:POST";
const PATCH: &str = "apigateway:PATCH";
const PUT: &str = "apigateway:PUT";
const DELETE: &str = "apigateway:DELETE";

/// API Gateway's permissions are methods on paths.
fn on(cx: &Cx, action: &'static str, path: impl std::fmt::Display) -> Needs {
    Needs::one(action, format!("arn:aws:apigateway:{}::/{path}", cx.scope.region))
}
