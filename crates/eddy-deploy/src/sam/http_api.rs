//! `AWS::Serverless::HttpApi`, and the implicit `ServerlessHttpApi` that events without an `ApiId` go to: an API
//! with an OpenAPI body, and its stage.

use crate::node::{Error, Node, Value};
use crate::sam::{Plain, Properties, openapi};
use crate::template::Resource;

/// The API of events that name none.
pub const IMPLICIT: &str = "ServerlessHttpApi";

/// An API whose body grows as functions are expanded.
pub struct Api {
    id: String,
    line: usize,
    /// The body is the template's own, and its routes too.
    has_own_body: bool,
    pub body: Node,
    name: Option<Node>,
    description: Option<Node>,
    cors: Option<Vec<(String, Node)>>,
    tags: Vec<(String, Node)>,
    stage: Option<Node>,
    /// Properties that go to the stage as they are.
    stage_properties: Vec<(&'static str, Node)>,
    fail_on_warnings: Option<Node>,
    is_retained: bool,
    outlives_replacement: bool,
    depends_on: Vec<String>,
}

impl Api {
    fn new(id: &str, line: usize) -> Api {
        Api {
            id: id.to_owned(),
            line,
            has_own_body: false,
            body: openapi::empty(line),
            name: None,
            description: None,
            cors: None,
            tags: Vec::new(),
            stage: None,
            stage_properties: Vec::new(),
            fail_on_warnings: None,
            is_retained: false,
            outlives_replacement: false,
            depends_on: Vec::new(),
        }
    }
}

/// Takes an API of the template in.
pub fn declare(resource: &Resource, plain: &mut Plain<'_>) -> Result<(), Error> {
    let mut api = Api::new(&resource.id, resource.line);
    api.is_retained = resource.is_retained;
    api.outlives_replacement = resource.outlives_replacement;
    api.depends_on.clone_from(&resource.depends_on);
    let mut properties = Properties::new(&resource.id, &resource.properties);
    if let Some(body) = properties.take("DefinitionBody") {
        openapi::check(body)?;
        api.body = body.clone();
        api.has_own_body = true;
    }
    api.name = properties.take("Name").cloned();
    api.description = properties.take("Description").cloned();
    if let Some(node) = properties.take("CorsConfiguration") {
        api.cors = plain.scope.settle(node)?.map(|node| cors(&node)).transpose()?.flatten();
    }
    api.tags = properties.take("Tags").and_then(Node::pairs).unwrap_or_default().to_vec();
    api.stage = properties.take("StageName").cloned();
    for name in ["StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"] {
        api.stage_properties.extend(properties.take(name).map(|node| (name, node.clone())));
    }
    api.fail_on_warnings = properties.take("FailOnWarnings").cloned();
    properties.end()?;
    plain.apis.push(api);
    Ok(())
}

/// `true` allows every origin, `false` says nothing; else the names of OpenAPI's extension, which begin small.
fn cors(node: &Node) -> Result<Option<Vec<(String, Node)>>, Error> {
    const NAMES: [&str; 6] =
        ["AllowOrigins", "AllowHeaders", "AllowMethods", "ExposeHeaders", "MaxAge", "AllowCredentials"];
    let line = node.line;
    if node.scalar().as_deref() == Some("true") {
        let all = Node::list(line, vec![Node::text(line, "*")]);
        return Ok(Some(vec![("allowOrigins".to_owned(), all)]));
    }
    if node.scalar().as_deref() == Some("false") {
        return Ok(None);
    }
    let pairs = node.pairs().ok_or_else(|| Error::new(line, "CorsConfiguration is true or a mapping"))?;
    let mut all = Vec::new();
    for (name, value) in pairs {
        if !NAMES.contains(&name.as_str()) {
            return Err(Error::new(value.line, format!("{name} of CorsConfiguration is not supported")));
        }
        if name == "AllowCredentials" && value.scalar().as_deref() == Some("false") {
            continue;
        }
        all.push((format!("{}{}", name[..1].to_lowercase(), &name[1..]), value.clone()));
    }
    Ok(Some(all))
}

/// The API of this name; the implicit one is made when it is first asked for.
pub fn named<'p>(id: &str, line: usize, plain: &'p mut Plain<'_>) -> Result<&'p mut Api, Error> {
    if id == IMPLICIT && plain.apis.iter().all(|api| api.id != IMPLICIT) {
        let implicit = Resource::new(line, IMPLICIT, "AWS::Serverless::HttpApi");
        let implicit = super::globals::apply(plain.globals, &implicit)?;
        declare(&implicit, plain)?;
    }
    let api = plain.apis.iter_mut().find(|api| api.id == id);
    api.ok_or_else(|| Error::new(line, format!("{id} is no HttpApi of this template")))
}

/// Adds a route to its API.
pub fn route(api: &mut Api, route: openapi::Route<'_>) -> Result<(), Error> {
    let openapi::Route { line, path, method, .. } = route;
    if !api.has_own_body && openapi::has_integration(&api.body, path, method) {
        let method = if method == openapi::ANY { "ANY".to_owned() } else { method.to_uppercase() };
        return Err(Error::new(line, format!("{method} {path} is routed twice")));
    }
    openapi::add_route(&mut api.body, route)
}

/// Writes the APIs and their stages, once every route is known.
pub fn finish(plain: &mut Plain<'_>) -> Result<(), Error> {
    for api in std::mem::take(&mut plain.apis) {
        write(api, plain)?;
    }
    Ok(())
}

fn write(mut api: Api, plain: &mut Plain<'_>) -> Result<(), Error> {
    let (line, id) = (api.line, api.id);
    let mut tags = api.tags;
    tags.push(("httpapi:createdBy".to_owned(), Node::text(line, "SAM")));
    let body = &mut api.body;
    if let Some(cors) = &api.cors {
        openapi::set_cors(body, cors)?;
    }
    openapi::add_tags(body, &tags)?;
    api.name.map_or(Ok(()), |name| openapi::set_title(body, &name))?;
    api.description.map_or(Ok(()), |text| openapi::set_description(body, &text))?;
    let fails = api.fail_on_warnings.filter(|flag| flag.scalar().as_deref() != Some("false"));
    if fails.is_some() {
        openapi::slash_default(body)?;
    }
    let stage = api.stage.unwrap_or_else(|| Node::text(line, "$default"));
    let stage_id = stage_id(&id, &stage);
    plain.names.push((format!("{id}.Stage"), stage_id.clone()));
    let mut stage = Resource::new(line, stage_id, "AWS::ApiGatewayV2::Stage")
        .with("ApiId", Node::reference(line, &id))
        .with("StageName", stage)
        .with("Tags", Node { line, value: Value::Map(tags) });
    for (name, value) in api.stage_properties {
        stage.set(name, value);
    }
    stage.set("AutoDeploy", Node { line, value: Value::Bool(true) });
    (stage.is_retained, stage.outlives_replacement) = (api.is_retained, api.outlives_replacement);
    let mut resource = Resource::new(line, id, "AWS::ApiGatewayV2::Api").with("Body", api.body);
    if let Some(flag) = fails {
        resource.set("FailOnWarnings", flag);
    }
    (resource.is_retained, resource.outlives_replacement) = (api.is_retained, api.outlives_replacement);
    resource.depends_on = api.depends_on;
    plain.resources.extend([resource, stage]);
    Ok(())
}

/// The stage's logical id: a name that cannot be known yet adds nothing.
fn stage_id(api: &str, stage: &Node) -> String {
    match stage.as_text() {
        Some("$default") => format!("{api}ApiGatewayDefaultStage"),
        Some(name) => {
            let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
            format!("{api}{name}Stage")
        }
        None => format!("{api}Stage"),
    }
}
