//! The types of CloudFormation that eddy makes: which properties each takes, and which operations make, change and
//! remove it.

mod api;
mod bucket;
mod function;
mod invoke_config;
mod log_group;
mod permission;
mod role;
mod route;
mod url;

use std::collections::BTreeMap;

use eddy_aws::Front;
use eddy_base::Region;
use serde_json::{Map, Value};

use crate::node::{Error, Node};
use crate::resolve::Made;
use crate::template::Resource;

/// A type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Api,
    Bucket,
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

const KINDS: [(&str, Kind, &[&str]); 11] = [
    ("AWS::ApiGatewayV2::Api", Kind::Api, api::PROPERTIES),
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

/// What a property that is named so says: the physical name.
const NAMES: [(Kind, &str); 4] = [
    (Kind::Bucket, "BucketName"),
    (Kind::Function, "FunctionName"),
    (Kind::LogGroup, "LogGroupName"),
    (Kind::Role, "RoleName"),
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
        NAMES.iter().find(|(kind, _)| *kind == self).map(|(_, property)| *property)
    }

    /// Do these properties differ in one that cannot be changed, so that the resource must be made anew?
    pub fn must_replace(self, old: &Value, new: &Value) -> bool {
        let fixed: &[&str] = match self {
            Kind::Api => &["ProtocolType"],
            Kind::Bucket => &["BucketName"],
            Kind::Function => &["FunctionName", "PackageType"],
            Kind::LogGroup => &["LogGroupName"],
            Kind::Role => &["RoleName", "Path"],
            Kind::Integration | Kind::Route => &["ApiId"],
            Kind::Stage => &["ApiId", "StageName"],
            Kind::Url => &["TargetFunctionArn", "Qualifier"],
            Kind::EventInvokeConfig => &["FunctionName", "Qualifier"],
            // A statement cannot be changed, only taken back and made again.
            Kind::Permission => return old != new,
        };
        fixed.iter().any(|name| old[*name] != new[*name])
    }
}

/// A resource's properties, resolved.
#[derive(Debug, Clone)]
pub struct Properties {
    pub id: String,
    pub values: Value,
    /// The zip of a function whose code is a folder.
    pub package: Option<Vec<u8>>,
}

impl Properties {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A text; numbers and flags are taken as they are written.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(scalar)
    }

    /// A text that must be there.
    pub fn needed(&self, name: &str) -> Result<String, Failure> {
        self.text(name).ok_or_else(|| Failure::Template(format!("{}: {name} is missing", self.id)))
    }

    /// Copies members into an operation's input: those that are there, by the same name.
    pub fn copy(&self, names: &[&str], input: &mut Map<String, Value>) {
        for name in names {
            if let Some(value) = self.get(name) {
                input.insert((*name).to_owned(), value.clone());
            }
        }
    }

    /// As [`Properties::copy`], for members that are whole numbers: templates often write them as texts.
    pub fn copy_numbers(&self, names: &[&str], input: &mut Map<String, Value>) -> Result<(), Failure> {
        for name in names {
            let Some(text) = self.text(name) else { continue };
            let number: i64 = text
                .parse()
                .map_err(|_| Failure::Template(format!("{}: {name} is not a number: {text}", self.id)))?;
            input.insert((*name).to_owned(), number.into());
        }
        Ok(())
    }

    /// `Tags` as a mapping, whether the template has a list or a mapping.
    pub fn tags(&self) -> Map<String, Value> {
        let text = |value: &Value| Value::String(scalar(value).unwrap_or_default());
        match self.get("Tags") {
            Some(Value::Object(tags)) => tags.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
            Some(Value::Array(tags)) => {
                tags.iter().filter_map(|tag| Some((scalar(&tag["Key"])?, text(&tag["Value"])))).collect()
            }
            _ => Map::new(),
        }
    }
}

/// A plain value as text.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A node as JSON whose plain values are texts, as maps of texts want them.
pub fn texts(node: &Value) -> Value {
    match node {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), texts(value))).collect(),
        other => scalar(other).map_or(Value::Null, Value::String),
    }
}

/// Why a resource could not be made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Template(String),
    #[error("{operation}: {code}: {message}")]
    Refused { operation: &'static str, code: String, message: String },
}

impl Failure {
    /// Is it this error of the service?
    pub fn is(&self, wanted: &[&str]) -> bool {
        matches!(self, Failure::Refused { code, .. } if wanted.contains(&code.as_str()))
    }
}

/// Calls operations in one region.
pub struct Caller<'a> {
    pub front: &'a Front,
    pub region: &'a Region,
}

impl Caller<'_> {
    pub async fn call(
        &self,
        service: &'static str,
        operation: &'static str,
        input: impl Into<Value>,
    ) -> Result<Value, Failure> {
        self.front.call(service, operation, self.region, &input.into()).await.map_err(|error| {
            Failure::Refused { operation, code: error.code.into_owned(), message: error.message }
        })
    }
}

/// Makes a resource.
pub async fn create(kind: Kind, caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    match kind {
        Kind::Api => api::create(caller, properties).await,
        Kind::Bucket => bucket::create(caller, properties).await,
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

/// Changes a resource in place.
pub async fn update(
    kind: Kind,
    caller: &Caller<'_>,
    made: &Made,
    old: &Value,
    properties: &Properties,
) -> Result<Made, Failure> {
    match kind {
        Kind::Api => api::update(caller, made, properties).await,
        Kind::Bucket => bucket::update(caller, made, properties).await,
        Kind::EventInvokeConfig => invoke_config::put(caller, properties).await,
        Kind::Function => function::update(caller, made, old, properties).await,
        Kind::Integration => route::update_integration(caller, made, properties).await,
        Kind::LogGroup => log_group::update(caller, made, properties).await,
        Kind::Permission => permission::create(caller, properties).await,
        Kind::Role => role::update(caller, made, old, properties).await,
        Kind::Route => route::update(caller, made, properties).await,
        Kind::Stage => api::update_stage(caller, made, properties).await,
        Kind::Url => url::update(caller, made, properties).await,
    }
}

/// Removes a resource; one that is gone already is removed.
pub async fn delete(kind: Kind, caller: &Caller<'_>, made: &Made, old: &Value) -> Result<(), Failure> {
    let deleted = match kind {
        Kind::Api => api::delete(caller, made).await,
        Kind::Bucket => bucket::delete(caller, made).await,
        Kind::EventInvokeConfig => invoke_config::delete(caller, old).await,
        Kind::Function => function::delete(caller, made).await,
        Kind::Integration => route::delete_integration(caller, made, old).await,
        Kind::LogGroup => log_group::delete(caller, made).await,
        Kind::Permission => permission::delete(caller, made, old).await,
        Kind::Role => role::delete(caller, made, old).await,
        Kind::Route => route::delete(caller, made, old).await,
        Kind::Stage => api::delete_stage(caller, old).await,
        Kind::Url => url::delete(caller, old).await,
    };
    const GONE: [&str; 4] =
        ["NoSuchBucket", "NoSuchEntityException", "NotFoundException", "ResourceNotFoundException"];
    match deleted {
        Err(failure) if failure.is(&GONE) => Ok(()),
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
