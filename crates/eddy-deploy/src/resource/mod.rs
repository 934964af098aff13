//! The types of CloudFormation that eddy makes: which properties each takes, and which operations make, change and
//! remove it.
//!
//! [`create`] makes a resource and [`settle`] gives it what the operation that makes it cannot; [`find`] looks
//! whether there is one already; [`stand_in`] is what one will be like, for values that refer to it before it is
//! there.

mod api;
mod bucket;
mod caller;
mod deployment;
mod fit;
mod function;
mod invoke_config;
mod log_group;
pub mod orphan;
mod permission;
mod properties;
mod role;
mod route;
mod tags;
mod url;

use std::collections::BTreeMap;

use serde_json::Value;

pub use caller::{Caller, Failure, Mode};
pub use properties::Properties;
use properties::scalar;

use crate::node::{Error, Node};
use crate::resolve::{Made, Place};
use crate::template::Resource;

/// A type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Api,
    Bucket,
    Deployment,
    EventInvokeConfig,
    Function,
    Integration,
    LogGroup,
    Permission,
    Role,
    Route,
    Stage,
    Url,
}

const KINDS: [(&str, Kind, &[&str]); 12] = [
    ("AWS::ApiGatewayV2::Api", Kind::Api, api::PROPERTIES),
    ("AWS::ApiGatewayV2::Deployment", Kind::Deployment, deployment::PROPERTIES),
    ("AWS::ApiGatewayV2::Integration", Kind::Integration, route::INTEGRATION_PROPERTIES),
    ("AWS::ApiGatewayV2::Route", Kind::Route, route::PROPERTIES),
    ("AWS::ApiGatewayV2::Stage", Kind::Stage, api::STAGE_PROPERTIES),
    ("AWS::IAM::Role", Kind::Role, role::PROPERTIES),
    ("AWS::Lambda::EventInvokeConfig", Kind::EventInvokeConfig, invoke_config::PROPERTIES),
    ("AWS::Lambda::Function", Kind::Function, function::PROPERTIES),
    ("AWS::Lambda::Permission", Kind::Permission, permission::PROPERTIES),
    ("AWS::Lambda::Url", Kind::Url, url::PROPERTIES),
    ("AWS::Logs::LogGroup", Kind::LogGroup, log_group::PROPERTIES),
    ("AWS::S3::Bucket", Kind::Bucket, bucket::PROPERTIES),
];

impl Kind {
    /// The kind of a resource, when it and all its properties are supported.
    ///
    /// # Errors
    /// The type or the property, with its line.
    pub fn of(resource: &Resource) -> Result<Kind, Error> {
        let Resource { id, kind, line, properties, .. } = resource;
        let Some((_, found, known)) = KINDS.iter().find(|(name, _, _)| name == kind) else {
            return Err(Error::new(*line, format!("{id}: {kind} is not supported")));
        };
        for (name, node) in properties {
            if !known.contains(&name.as_str()) {
                let text = format!("{id}: the property {name} of {kind} is not supported");
                return Err(Error::new(node.line, text));
            }
        }
        Ok(*found)
    }

    /// The kind by its name in a row.
    pub fn named(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(known, _, _)| *known == name).map(|(_, kind, _)| *kind)
    }

    /// The property that names a resource of this kind, where names are chosen by whoever makes it.
    pub fn name_property(self) -> Option<&'static str> {
        match self {
            Kind::Bucket => Some("BucketName"),
            Kind::Function => Some("FunctionName"),
            Kind::LogGroup => Some("LogGroupName"),
            Kind::Role => Some("RoleName"),
            Kind::Api
            | Kind::Deployment
            | Kind::EventInvokeConfig
            | Kind::Integration
            | Kind::Permission
            | Kind::Route
            | Kind::Stage
            | Kind::Url => None,
        }
    }

    /// A name for a resource that its template does not name: the stack, the logical id, and `random`, which nobody
    /// else has.
    pub fn name(self, stack: &str, id: &str, random: &str) -> String {
        let short = |text: &str| text.chars().take(24).collect::<String>();
        let name = format!("{}-{}-{random}", short(stack), short(id));
        if self == Kind::Bucket { name.to_lowercase() } else { name }
    }

    /// Do these properties differ in one that cannot be changed, so that another must take the resource's place?
    pub fn must_replace(self, old: &Value, new: &Value) -> bool {
        let fixed: &[&str] = match self {
            Kind::Api => &["ProtocolType"],
            Kind::Bucket => &["BucketName"],
            Kind::Deployment => &["ApiId", "StageName"],
            Kind::Function => &["FunctionName", "PackageType"],
            Kind::LogGroup => &["LogGroupName"],
            Kind::Role => &["RoleName", "Path"],
            Kind::Integration | Kind::Route => &["ApiId"],
            Kind::Stage => &["ApiId", "StageName"],
            Kind::Url => &["TargetFunctionArn", "Qualifier"],
            Kind::EventInvokeConfig => &["FunctionName", "Qualifier"],
            // A statement cannot be changed; one with another name can stand beside it.
            Kind::Permission => return old != new,
        };
        fixed.iter().any(|name| old[*name] != new[*name])
    }

    /// Does [`settle`] do anything?
    pub fn is_settled_later(self) -> bool {
        match self {
            Kind::Api | Kind::Bucket | Kind::LogGroup | Kind::Role => true,
            Kind::Deployment
            | Kind::EventInvokeConfig
            | Kind::Function
            | Kind::Integration
            | Kind::Permission
            | Kind::Route
            | Kind::Stage
            | Kind::Url => false,
        }
    }
}

/// What a resource will be like.
pub fn stand_in(kind: Kind, place: &Place, properties: &Properties) -> Made {
    match kind {
        Kind::Api => api::stand_in(),
        Kind::Bucket => bucket::made(properties, &place.region),
        Kind::Deployment => deployment::stand_in(),
        Kind::EventInvokeConfig => made(&properties.id, []),
        Kind::Function => function::stand_in(place, properties),
        Kind::Integration => route::integration_stand_in(),
        Kind::LogGroup => log_group::stand_in(place, properties),
        Kind::Permission => permission::made(properties),
        Kind::Role => role::stand_in(place, properties),
        Kind::Route => route::stand_in(),
        Kind::Stage => made(properties.text("StageName").unwrap_or_default(), []),
        Kind::Url => url::stand_in(place, properties),
    }
}

/// The resource that these properties name, if there is one, whoever made it. Kinds whose names are the service's
/// own are never found; see [`orphan`].
pub async fn find(kind: Kind, caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    match kind {
        Kind::Bucket => bucket::find(caller, properties).await,
        Kind::EventInvokeConfig => invoke_config::find(caller, properties).await,
        Kind::Function => function::find(caller, properties).await,
        Kind::LogGroup => log_group::find(caller, properties).await,
        Kind::Permission => permission::find(caller, properties).await,
        Kind::Role => role::find(caller, properties).await,
        Kind::Route => route::find(caller, properties).await,
        Kind::Stage => api::find_stage(caller, properties).await,
        Kind::Url => url::find(caller, properties).await,
        Kind::Api | Kind::Deployment | Kind::Integration => Ok(None),
    }
}

/// Makes a resource.
pub async fn create(kind: Kind, caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    match kind {
        Kind::Api => api::create(caller, properties).await,
        Kind::Bucket => bucket::create(caller, properties).await,
        Kind::Deployment => deployment::create(caller, properties).await,
        Kind::EventInvokeConfig => invoke_config::put(caller, properties).await,
        Kind::Function => function::create(caller, properties).await,
        Kind::Integration => route::create_integration(caller, properties).await,
        Kind::LogGroup => log_group::create(caller, properties).await,
        Kind::Permission => permission::create(caller, properties).await,
        Kind::Role => role::create(caller, properties).await,
        Kind::Route => route::create(caller, properties).await,
        Kind::Stage => api::create_stage(caller, properties).await,
        Kind::Url => url::create(caller, properties).await,
    }
}

/// Gives a resource that has just been made what making it left out.
pub async fn settle(
    kind: Kind,
    caller: &Caller<'_>,
    made: &Made,
    properties: &Properties,
) -> Result<(), Failure> {
    match kind {
        Kind::Bucket => bucket::settle(caller, made, properties).await,
        Kind::LogGroup => log_group::settle(caller, made, properties).await,
        Kind::Role => role::settle(caller, made, properties).await,
        Kind::Api => api::settle(caller, made, properties).await,
        Kind::Deployment
        | Kind::EventInvokeConfig
        | Kind::Function
        | Kind::Integration
        | Kind::Permission
        | Kind::Route
        | Kind::Stage
        | Kind::Url => Ok(()),
    }
}

/// Changes a resource in place. `old` is what it is like; null when nobody knows.
pub async fn update(
    kind: Kind,
    caller: &Caller<'_>,
    made: &Made,
    old: &Value,
    properties: &Properties,
) -> Result<(), Failure> {
    match kind {
        Kind::Api => api::update(caller, made, properties).await,
        Kind::Bucket => bucket::settle(caller, made, properties).await,
        Kind::Deployment => deployment::update(caller, made, properties).await,
        Kind::EventInvokeConfig => invoke_config::put(caller, properties).await.map(drop),
        Kind::Function => function::update(caller, made, old, properties).await,
        Kind::Integration => route::update_integration(caller, made, properties).await,
        Kind::LogGroup => log_group::settle(caller, made, properties).await,
        Kind::Permission => permission::restore(caller, properties).await,
        Kind::Role => role::update(caller, made, properties).await,
        Kind::Route => route::update(caller, made, properties).await,
        Kind::Stage => api::update_stage(caller, properties).await,
        Kind::Url => url::update(caller, properties).await,
    }
}

/// Removes a resource; one that is gone already is removed.
pub async fn delete(kind: Kind, caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let deleted = match kind {
        Kind::Api => api::delete(caller, made).await,
        Kind::Bucket => bucket::delete(caller, made).await,
        Kind::Deployment => deployment::delete(caller, made, old).await,
        Kind::EventInvokeConfig => invoke_config::delete(caller, old).await,
        Kind::Function => function::delete(caller, made).await,
        Kind::Integration => route::delete_integration(caller, made, old).await,
        Kind::LogGroup => log_group::delete(caller, made).await,
        Kind::Permission => permission::delete(caller, made, old).await,
        Kind::Role => role::delete(caller, made).await,
        Kind::Route => route::delete(caller, made, old).await,
        Kind::Stage => api::delete_stage(caller, old).await,
        Kind::Url => url::delete(caller, old).await,
    };
    match deleted {
        Err(failure) if failure.says_gone() => Ok(()),
        other => other,
    }
}

/// A made resource with its attributes.
fn made<const N: usize>(physical_id: impl Into<String>, attributes: [(&str, &Value); N]) -> Made {
    let text = |(name, value): (&str, &Value)| Some((name.to_owned(), scalar(value)?));
    let attributes: BTreeMap<String, String> = attributes.into_iter().filter_map(text).collect();
    Made { physical_id: physical_id.into(), attributes }
}

/// The folder that a function's code is in, as the template says it.
pub fn folder(resource: &Resource) -> Option<&Node> {
    let code = resource.get("Code")?;
    code.get("Folder").or_else(|| code.as_text().map(|_| code))
}
