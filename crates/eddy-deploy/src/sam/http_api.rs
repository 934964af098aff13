//! `AWS::Serverless::HttpApi`, and the implicit `ServerlessHttpApi` that events without an `ApiId` go to: an API
//! with an OpenAPI body, and its stage.

use crate::node::{Error, Node, Value};
use crate::sam::{Plain, Properties};
use crate::template::Resource;

/// The API of events that name none.
pub const IMPLICIT: &str = "ServerlessHttpApi";

/// An API whose paths grow as functions are expanded.
pub struct Api {
    id: String,
    line: usize,
    name: Option<Node>,
    description: Option<Node>,
    cors: Option<Node>,
    tags: Vec<(String, Node)>,
    stage: Option<Node>,
    variables: Option<Node>,
    paths: Vec<(String, Vec<(String, Node)>)>,
}

/// One route of a function.
pub struct Route<'a> {
    pub api: &'a str,
    pub line: usize,
    pub path: String,
    pub method: String,
    /// The function's logical id.
    pub function: &'a str,
    pub format: Option<Node>,
    pub timeout: Option<Node>,
}

impl Api {
    fn new(id: &str, line: usize) -> Api {
        Api {
            id: id.to_owned(),
            line,
            name: None,
            description: None,
            cors: None,
            tags: Vec::new(),
            stage: None,
            variables: None,
            paths: Vec::new(),
        }
    }
}

/// Takes an API of the template in.
pub fn declare(resource: &Resource, plain: &mut Plain) -> Result<(), Error> {
    let mut api = Api::new(&resource.id, resource.line);
    let mut properties = Properties::new(&resource.id, &resource.properties);
    api.name = properties.take("Name").cloned();
    api.description = properties.take("Description").cloned();
    api.cors = properties.take("CorsConfiguration").map(cors).transpose()?;
    api.tags = properties.take("Tags").and_then(Node::pairs).unwrap_or_default().to_vec();
    api.stage = properties.take("StageName").cloned();
    api.variables = properties.take("StageVariables").cloned();
    properties.end()?;
    plain.apis.push(api);
    Ok(())
}

/// `true` allows every origin; else the names of OpenAPI's extension, which begin small.
fn cors(node: &Node) -> Result<Node, Error> {
    let line = node.line;
    match &node.value {
        Value::Bool(true) => {
            Ok(Node::map(line, [("allowOrigins", Node::list(line, vec![Node::text(line, "*")]))]))
        }
        Value::Map(pairs) => {
            let small = |name: &str| {
                let mut letters = name.chars();
                letters
                    .next()
                    .map(|first| first.to_ascii_lowercase())
                    .into_iter()
                    .chain(letters)
                    .collect::<String>()
            };
            let pairs = pairs.iter().map(|(name, value)| (small(name), value.clone())).collect();
            Ok(Node { line, value: Value::Map(pairs) })
        }
        Value::Null
        | Value::Bool(false)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_) => Err(Error::new(line, "CorsConfiguration is true or a mapping")),
    }
}

/// Adds a route to its API; the implicit one is made by its first route.
pub fn route(route: Route<'_>, plain: &mut Plain) -> Result<(), Error> {
    let line = route.line;
    if route.api == IMPLICIT && plain.apis.iter().all(|api| api.id != IMPLICIT) {
        plain.apis.push(Api::new(IMPLICIT, line));
    }
    let api = plain.apis.iter_mut().find(|api| api.id == route.api);
    let api = api.ok_or_else(|| Error::new(line, format!("{} is no HttpApi of this template", route.api)))?;
    let method = match route.method.as_str() {
        "any" => "x-amazon-apigateway-any-method".to_owned(),
        other => other.to_owned(),
    };
    let operation = operation(&route);
    if !api.paths.iter().any(|(path, _)| *path == route.path) {
        api.paths.push((route.path.clone(), Vec::new()));
    }
    let methods = api.paths.iter_mut().find(|(path, _)| *path == route.path).map(|(_, methods)| methods);
    let methods = methods.expect("the path has just been made");
    if methods.iter().any(|(known, _)| *known == method) {
        return Err(Error::new(
            line,
            format!("{} {} is routed twice", route.method.to_uppercase(), route.path),
        ));
    }
    methods.push((method, operation));
    Ok(())
}

fn operation(route: &Route<'_>) -> Node {
    let line = route.line;
    let text = |text: &str| Node::text(line, text);
    let uri = format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{}.Arn}}/invocations",
        route.function
    );
    let format = route.format.clone().unwrap_or_else(|| text("2.0"));
    let mut integration = vec![
        ("httpMethod".to_owned(), text("POST")),
        ("type".to_owned(), text("aws_proxy")),
        ("uri".to_owned(), Node::call(line, "Fn::Sub", text(&uri))),
        ("payloadFormatVersion".to_owned(), format),
    ];
    if let Some(timeout) = &route.timeout {
        integration.push(("timeoutInMillis".to_owned(), timeout.clone()));
    }
    let integration = Node { line, value: Value::Map(integration) };
    let mut operation = vec![("x-amazon-apigateway-integration".to_owned(), integration)];
    if route.path == "$default" {
        operation.push(("isDefaultRoute".to_owned(), Node { line, value: Value::Bool(true) }));
    }
    operation.push(("responses".to_owned(), Node { line, value: Value::Map(Vec::new()) }));
    let parameters: Vec<Node> = variables(&route.path).map(|name| parameter(line, name)).collect();
    if !parameters.is_empty() {
        operation.push(("parameters".to_owned(), Node::list(line, parameters)));
    }
    Node { line, value: Value::Map(operation) }
}

/// Names between braces.
fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn parameter(line: usize, name: &str) -> Node {
    let required = Node { line, value: Value::Bool(true) };
    Node::map(
        line,
        [("required", required), ("name", Node::text(line, name)), ("in", Node::text(line, "path"))],
    )
}

/// Writes the APIs and their stages, once every route is known.
pub fn finish(plain: &mut Plain) {
    for api in std::mem::take(&mut plain.apis) {
        let (line, id) = (api.line, api.id.clone());
        let mut tags = api.tags.clone();
        tags.push(("httpapi:createdBy".to_owned(), Node::text(line, "SAM")));
        let stage = api.stage.clone().unwrap_or_else(|| Node::text(line, "$default"));
        let stage_id = match stage.as_text() {
            Some("$default") | None => format!("{id}ApiGatewayDefaultStage"),
            Some(name) => {
                format!("{id}{}Stage", name.replace(|letter: char| !letter.is_ascii_alphanumeric(), ""))
            }
        };
        let mut stage = Resource::new(line, stage_id, "AWS::ApiGatewayV2::Stage")
            .with("ApiId", Node::reference(line, &id))
            .with("StageName", stage)
            .with("Tags", Node { line, value: Value::Map(tags.clone()) });
        if let Some(variables) = &api.variables {
            stage.set("StageVariables", variables.clone());
        }
        stage.set("AutoDeploy", Node { line, value: Value::Bool(true) });
        let mut resource = Resource::new(line, id, "AWS::ApiGatewayV2::Api").with("Body", body(&api, &tags));
        if let Some(description) = api.description {
            resource.set("Description", description);
        }
        plain.resources.extend([resource, stage]);
    }
}

fn body(api: &Api, tags: &[(String, Node)]) -> Node {
    let line = api.line;
    let title = api.name.clone().unwrap_or_else(|| Node::reference(line, "AWS::StackName"));
    let map = |pairs: Vec<(String, Node)>| Node { line, value: Value::Map(pairs) };
    let paths = api.paths.iter().map(|(path, methods)| (path.clone(), map(methods.clone()))).collect();
    let tags = tags.iter().map(|(name, value)| {
        Node::map(line, [("name", Node::text(line, name)), ("x-amazon-apigateway-tag-value", value.clone())])
    });
    let info = Node::map(line, [("version", Node::text(line, "1.0")), ("title", title)]);
    let mut body = vec![
        ("openapi".to_owned(), Node::text(line, "3.0.1")),
        ("info".to_owned(), info),
        ("paths".to_owned(), map(paths)),
        ("tags".to_owned(), Node::list(line, tags.collect())),
    ];
    if let Some(cors) = &api.cors {
        body.push(("x-amazon-apigateway-cors".to_owned(), cors.clone()));
    }
    map(body)
}
