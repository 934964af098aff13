//! OpenAPI 3 definitions of HTTP APIs, in JSON or YAML, with Amazon's extensions.
//!
//! Of the extensions there are those for function integrations, CORS, tags and the method that stands for any.
//! Others that would change what the API does are refused by name; what only describes is passed over.

mod text;

use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_gateway::route::Key;
use eddy_gateway::{Cors, Edit, NewIntegration, Pairs, limits};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::create_integration;
use super::fault::bad;
use super::input::{self, CorsShape};

/// An API as its definition has it.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) version: Option<String>,
    pub(super) cors: Option<Cors>,
    pub(super) tags: Pairs,
    routes: Vec<Planned>,
    /// What was passed over although somebody may have meant something by it.
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Clone)]
struct Planned {
    key: String,
    operation: Option<String>,
    integration: Option<NewIntegration>,
}

const ANY: &str = "x-amazon-apigateway-any-method";
const INTEGRATION: &str = "x-amazon-apigateway-integration";
const INTEGRATIONS: &str = "x-amazon-apigateway-integrations";
const CORS: &str = "x-amazon-apigateway-cors";
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CorsText {
    allow_credentials: Option<bool>,
    allow_headers: Option<Vec<String>>,
    allow_methods: Option<Vec<String>>,
    allow_origins: Option<Vec<String>>,
    expose_headers: Option<Vec<String>>,
    max_age: Option<i32>,
}

impl Definition {
    /// Reads a definition. `whole`: a warning is an error.
    pub(super) fn read(text: &str, whole: bool) -> Result<Definition, Fault> {
        let root = text::read(text)?;
        let version = root.get("openapi").and_then(Value::as_str).unwrap_or_default();
        if !version.starts_with("3.") {
            return Err(bad("Invalid OpenAPI document: HTTP APIs are defined in OpenAPI 3"));
        }
        refuse_authorizers(&root)?;
        let info = root.get("info").and_then(Value::as_object);
        let of_info = |name: &str| info.and_then(|info| info.get(name)).and_then(text_of);
        let mut definition = Definition {
            name: of_info("title").ok_or_else(|| bad("Invalid OpenAPI document: info.title is missing"))?,
            description: of_info("description"),
            version: of_info("version"),
            cors: cors(&root)?,
            tags: tags(&root)?,
            routes: Vec::new(),
            warnings: Vec::new(),
        };
        input::text(&definition.name, "API name", 1..=limits::API_NAME_CHARS_MAX)?;
        input::description(definition.description.as_deref())?;
        let none = Map::new();
        let paths = match root.get("paths") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(paths)) => paths,
            Some(_) => return Err(bad("Invalid OpenAPI document: paths is not an object")),
        };
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
            let Value::Object(item) = item else {
                return Err(bad(format!("Invalid OpenAPI document: path {path} is not an object")));
            };
            definition.add_path(&root, path, item)?;
        }
        if whole && !definition.warnings.is_empty() {
            return Err(bad(format!("Warnings found during import: {}", definition.warnings.join("; "))));
        }
        Ok(definition)
    }

    /// Puts routes and integrations into an API that has none.
    pub(super) fn build(&self, edit: &mut Edit<'_>) -> Result<(), Fault> {
        for route in &self.routes {
            let to = route.integration.clone().map(|new| edit.add_integration(new)).transpose()?;
            let id = to.as_ref().map(|to| to.id.as_str());
            edit.add_route(&route.key, id, route.operation.as_deref(), false)?;
        }
        Ok(())
    }

    fn add_path(&mut self, root: &Value, path: &str, item: &Map<String, Value>) -> Result<(), Fault> {
        for (name, operation) in item {
            let method = match name.as_str() {
                ANY => "ANY".to_owned(),
                name if METHODS.contains(&name) => name.to_ascii_uppercase(),
                "trace" => return Err(Fault::unsupported("The method TRACE is not supported by HTTP APIs.")),
                _ => continue,
            };
            let key = match (path.trim_start_matches('/'), method.as_str()) {
                (Key::DEFAULT, "ANY") => Key::DEFAULT.to_owned(),
                _ => format!("{method} {path}"),
            };
            if let Err(why) = key.parse::<Key>() {
                return Err(bad(format!("Unable to create route at path '{path}': {why}")));
            }
            let place = format!("{path} {name}");
            let Value::Object(operation) = operation else {
                return Err(bad(format!("Invalid OpenAPI document: {place} is not an object")));
            };
            refuse_security(operation.get("security"), &place)?;
            let integration = integration(root, operation, &place)?;
            if integration.is_none() {
                self.warnings.push(format!("No integration found for {place}"));
            }
            let operation = operation.get("operationId").and_then(text_of);
            self.routes.push(Planned { key, operation, integration });
        }
        Ok(())
    }
}

fn integration(
    root: &Value,
    operation: &Map<String, Value>,
    place: &str,
) -> Result<Option<NewIntegration>, Fault> {
    let Some(value) = operation.get(INTEGRATION) else { return Ok(None) };
    let named = value.get("$ref").and_then(Value::as_str);
    let value = match named {
        None => value,
        Some(reference) => {
            let name = reference.strip_prefix(&format!("#/components/{INTEGRATIONS}/"));
            let found = name.and_then(|name| root.get("components")?.get(INTEGRATIONS)?.get(name));
            found.ok_or_else(|| bad(format!("Unable to find the integration {reference} of {place}")))?
        }
    };
    let Value::Object(fields) = value else {
        return Err(bad(format!("Invalid OpenAPI document: the integration of {place} is not an object")));
    };
    let text = |name: &str| fields.get(name).and_then(text_of);
    let kind = text("type").unwrap_or_default().to_ascii_uppercase();
    create_integration::kind(&kind)?;
    for (name, value) in fields {
        let known = match name.as_str() {
            "type" | "uri" | "httpMethod" | "payloadFormatVersion" | "timeoutInMillis" | "description" => {
                true
            }
            "connectionType" => value.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("INTERNET")),
            _ => value.is_null(),
        };
        if !known {
            let text = format!("{name} in the integration of {place} is not supported by eddy.");
            return Err(Fault::unsupported(text));
        }
    }
    let uri = text("uri").ok_or_else(|| bad(format!("The integration of {place} has no uri")))?;
    input::uri(&uri)?;
    let version = text("payloadFormatVersion");
    let version =
        version.ok_or_else(|| bad("PayloadFormatVersion is a required parameter for integration"))?;
    let timeout = match fields.get("timeoutInMillis") {
        None | Some(Value::Null) => i64::try_from(limits::TIMEOUT_MAX.as_millis()).unwrap_or(i64::MAX),
        Some(value) => value.as_i64().unwrap_or(-1),
    };
    Ok(Some(NewIntegration {
        uri,
        format: input::format(&version)?,
        timeout_millis: input::timeout(timeout)?,
        description: text("description"),
        method: create_integration::method(text("httpMethod"))?,
        managed: false,
    }))
}

fn cors(root: &Value) -> Result<Option<Cors>, Fault> {
    let Some(value) = root.get(CORS).filter(|value| !value.is_null()) else { return Ok(None) };
    let read: Result<CorsText, _> = serde_json::from_value(value.clone());
    let text = read.map_err(|error| bad(format!("Invalid {CORS}: {error}")))?;
    let CorsText { allow_credentials, allow_headers, allow_methods, allow_origins, expose_headers, max_age } =
        text;
    let shape =
        CorsShape { allow_credentials, allow_headers, allow_methods, allow_origins, expose_headers, max_age };
    Cors::try_from(shape).map(Some)
}

/// Tags of the document are tags of the API where they have a value.
fn tags(root: &Value) -> Result<Pairs, Fault> {
    let all = root.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pair = |tag: &Value| {
        let value = tag.get("x-amazon-apigateway-tag-value").and_then(text_of)?;
        Some((tag.get("name").and_then(text_of)?, value))
    };
    let tags: BTreeMap<String, String> = all.iter().filter_map(pair).collect();
    input::tags(Some(tags))
}

fn refuse_authorizers(root: &Value) -> Result<(), Fault> {
    refuse_security(root.get("security"), "the document")?;
    let schemes = root.get("components").and_then(|components| components.get("securitySchemes"));
    for (name, scheme) in schemes.and_then(Value::as_object).into_iter().flatten() {
        if scheme.get("x-amazon-apigateway-authorizer").is_some() {
            let text = format!("x-amazon-apigateway-authorizer (of {name}) is not supported by eddy.");
            return Err(Fault::unsupported(text));
        }
    }
    Ok(())
}

fn refuse_security(security: Option<&Value>, place: &str) -> Result<(), Fault> {
    match security {
        Some(Value::Array(rules))
            if rules.iter().any(|rule| rule.as_object().is_some_and(|rule| !rule.is_empty())) =>
        {
            Err(Fault::unsupported(format!("security (of {place}) is not supported by eddy.")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Texts, and numbers as YAML has them where a text is meant (`version: 1.0`).
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use eddy_gateway::Format;
    use proptest::prelude::*;

    use super::*;

    const PETS: &str = r#"
openapi: 3.0.1
info: {title: pets, version: 1.0, description: all of them}
tags: [{name: team, x-amazon-apigateway-tag-value: zoo}, {name: other}]
x-amazon-apigateway-cors: {allowOrigins: ['*'], maxAge: 60}
paths:
  /pets/{id}:
    parameters: [{name: id, in: path}]
    get:
      operationId: getPet
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/f'}
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: AWS_PROXY
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations
        payloadFormatVersion: "1.0"
        timeoutInMillis: 500
  /$default:
    x-amazon-apigateway-any-method: {}
components:
  x-amazon-apigateway-integrations:
    f: {type: aws_proxy, uri: 'arn:aws:lambda:us-east-1:000000000000:function:f', payloadFormatVersion: '2.0'}
"#;

    #[test]
    fn a_definition_is_read_whole() {
        let read = Definition::read(PETS, false).unwrap();
        assert_eq!((read.name.as_str(), read.version.as_deref()), ("pets", Some("1.0")));
        assert_eq!(read.tags, [("team".to_owned(), "zoo".to_owned())]);
        assert_eq!(read.cors.unwrap().max_age_seconds, Some(60));
        let routes: Vec<_> = read
            .routes
            .iter()
            .map(|route| {
                let to = route.integration.as_ref().map(|to| (to.format, to.timeout_millis));
                (route.key.as_str(), route.operation.as_deref(), to)
            })
            .collect();
        assert_eq!(
            routes,
            [
                ("GET /pets/{id}", Some("getPet"), Some((Format::Two, 30_000))),
                ("ANY /pets/{id}", None, Some((Format::One, 500))),
                ("$default", None, None),
            ]
        );
        assert_eq!(read.warnings.len(), 1);
        assert!(Definition::read(PETS, true).is_err());
    }

    #[test]
    fn what_is_refused_is_named() {
        let of = |text: &str| {
            format!("openapi: 3.0.1\ninfo: {{title: x}}\npaths:\n  /a:\n    get:\n      {text}\n")
        };
        let integration = |text: &str| of(&format!("x-amazon-apigateway-integration: {{{text}}}"));
        let lambda = "type: aws_proxy, uri: 'arn:aws:lambda:us-east-1:000000000000:function:f', payloadFormatVersion: '2.0'";
        for (text, says) in [
            ("swagger: '2.0'".to_owned(), "OpenAPI 3"),
            ("[]".to_owned(), "OpenAPI"),
            ("{".to_owned(), "OpenAPI"),
            ("openapi: 3.0.1\ninfo: {}".to_owned(), "info.title"),
            (of("security: [{a: []}]"), "security"),
            (of("operationId: x").replace("/a:", "/{a:"), "Unable to create route at path '/{a'"),
            (integration("type: http_proxy, uri: 'http://a'"), "HTTP_PROXY"),
            (integration(&format!("{lambda}, credentials: 'arn:x'")), "credentials"),
            (integration("type: aws_proxy, payloadFormatVersion: '2.0'"), "uri"),
            (integration(&lambda.replace("2.0", "3.0")), "PayloadFormatVersion"),
            (integration(&format!("{lambda}, timeoutInMillis: 1")), "Timeout"),
            (integration("$ref: '#/nowhere'"), "#/nowhere"),
        ] {
            let fault = Definition::read(&text, false).unwrap_err();
            assert!(fault.message.contains(says), "{text}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(openapi: 3.0.0|info:|title|paths| |\n|\\{|\\}|\\[|:|-|&a|\\*a|!x|\\PC){0,25}") {
            let _ = Definition::read(&text, false);
        }
    }
}
