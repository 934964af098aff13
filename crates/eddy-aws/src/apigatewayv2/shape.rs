//! Parts of answers.

use std::collections::BTreeMap;

use eddy_gateway::{Api, Deployment, Format, Integration, Route, Stage};
use eddy_wire::Time;
use serde::Serialize;

use super::endpoint;
use super::input::CorsShape;
use crate::Cx;

/// How HTTP APIs choose routes and would find keys; both are fixed.
pub(super) const ROUTE_SELECTION: &str = "$request.method $request.path";
const KEY_SELECTION: &str = "$request.header.x-api-key";

#[derive(Serialize)]
pub(super) struct ApiShape {
    api_endpoint: String,
    api_id: String,
    api_key_selection_expression: &'static str,
    cors_configuration: Option<CorsShape>,
    created_date: Time,
    description: Option<String>,
    disable_execute_api_endpoint: bool,
    ip_address_type: &'static str,
    name: String,
    protocol_type: &'static str,
    route_selection_expression: &'static str,
    tags: BTreeMap<String, String>,
    version: Option<String>,
    warnings: Option<Vec<String>>,
}

impl ApiShape {
    pub(super) fn new(cx: &Cx, api: Api) -> ApiShape {
        ApiShape {
            api_endpoint: endpoint::of(cx, &api.id),
            api_id: api.id,
            api_key_selection_expression: KEY_SELECTION,
            cors_configuration: api.cors.map(CorsShape::from),
            created_date: api.created.into(),
            description: api.description,
            disable_execute_api_endpoint: api.disabled,
            ip_address_type: "ipv4",
            name: api.name,
            protocol_type: "HTTP",
            route_selection_expression: ROUTE_SELECTION,
            tags: api.tags.into_iter().collect(),
            version: api.version,
            warnings: None,
        }
    }

    pub(super) fn warned(self, warnings: Vec<String>) -> ApiShape {
        ApiShape { warnings: (!warnings.is_empty()).then_some(warnings), ..self }
    }
}

#[derive(Serialize)]
pub(super) struct RouteShape {
    api_gateway_managed: Option<bool>,
    api_key_required: bool,
    authorization_type: &'static str,
    operation_name: Option<String>,
    route_id: String,
    route_key: String,
    target: Option<String>,
}

impl From<Route> for RouteShape {
    fn from(route: Route) -> RouteShape {
        RouteShape {
            api_gateway_managed: route.managed.then_some(true),
            api_key_required: false,
            authorization_type: "NONE",
            operation_name: route.operation,
            route_id: route.id,
            route_key: route.key,
            target: route.integration.map(|id| format!("integrations/{id}")),
        }
    }
}

#[derive(Serialize)]
pub(super) struct IntegrationShape {
    api_gateway_managed: Option<bool>,
    connection_type: &'static str,
    description: Option<String>,
    integration_id: String,
    integration_method: String,
    integration_type: &'static str,
    integration_uri: String,
    payload_format_version: &'static str,
    timeout_in_millis: u32,
}

impl From<Integration> for IntegrationShape {
    fn from(integration: Integration) -> IntegrationShape {
        IntegrationShape {
            api_gateway_managed: integration.managed.then_some(true),
            connection_type: "INTERNET",
            description: integration.description,
            integration_id: integration.id,
            integration_method: integration.method.unwrap_or_else(|| "POST".to_owned()),
            integration_type: "AWS_PROXY",
            integration_uri: integration.uri,
            payload_format_version: match integration.format {
                Format::One => "1.0",
                Format::Two => "2.0",
            },
            timeout_in_millis: integration.timeout_millis,
        }
    }
}

#[derive(Serialize)]
pub(super) struct StageShape {
    api_gateway_managed: Option<bool>,
    auto_deploy: Option<bool>,
    created_date: Time,
    default_route_settings: RouteSettings,
    deployment_id: Option<String>,
    description: Option<String>,
    last_deployment_status_message: Option<String>,
    last_updated_date: Time,
    route_settings: BTreeMap<String, RouteSettings>,
    stage_name: String,
    stage_variables: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

/// There are no throttles and no detailed metrics.
#[derive(Serialize)]
struct RouteSettings {
    detailed_metrics_enabled: bool,
}

impl From<Stage> for StageShape {
    fn from(stage: Stage) -> StageShape {
        StageShape {
            api_gateway_managed: stage.managed.then_some(true),
            auto_deploy: stage.auto_deploy.then_some(true),
            created_date: stage.created.into(),
            default_route_settings: RouteSettings { detailed_metrics_enabled: false },
            deployment_id: stage.deployment,
            description: stage.description,
            last_deployment_status_message: stage.message,
            last_updated_date: stage.updated.into(),
            route_settings: BTreeMap::new(),
            stage_name: stage.name,
            stage_variables: stage.variables.into_iter().collect(),
            tags: stage.tags.into_iter().collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct DeploymentShape {
    auto_deployed: bool,
    created_date: Time,
    deployment_id: String,
    deployment_status: &'static str,
    description: Option<String>,
}

impl From<Deployment> for DeploymentShape {
    fn from(deployment: Deployment) -> DeploymentShape {
        DeploymentShape {
            auto_deployed: deployment.auto,
            created_date: deployment.created.into(),
            deployment_id: deployment.id,
            deployment_status: "DEPLOYED",
            description: deployment.description,
        }
    }
}

/// A page of any of these.
#[derive(Serialize)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
    pub(super) next_token: Option<String>,
}
