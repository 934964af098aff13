//! The OpenAPI body of an HTTP API, as SAM writes routes, CORS, tags and names into it.

use crate::node::{Error, Node, Value};
use crate::resolve::call;

/// How a body calls a route for every method.
pub const ANY: &str = "x-amazon-apigateway-any-method";
const INTEGRATION: &str = "x-amazon-apigateway-integration";
const TAG: &str = "x-amazon-apigateway-tag-value";
const CORS: &str = "x-amazon-apigateway-cors";

/// A body with no routes, titled after its stack.
pub fn empty(line: usize) -> Node {
    let info = [("version", Node::text(line, "1.0")), ("title", title(line))];
    Node::map(
        line,
        [
            ("openapi", Node::text(line, "3.0.1")),
            ("info", Node::map(line, info)),
            ("paths", Node::map(line, [])),
        ],
    )
}

fn title(line: usize) -> Node {
    Node::reference(line, "AWS::StackName")
}

/// Is it a body that can be added to?
///
/// # Errors
/// When it is not.
pub fn check(body: &Node) -> Result<(), Error> {
    let is_three =
        body.get("openapi").and_then(Node::scalar).is_some_and(|version| version.starts_with("3."));
    if is_three && body.get("paths").is_some_and(|paths| paths.pairs().is_some() && call(paths).is_none()) {
        return Ok(());
    }
    Err(Error::new(body.line, "DefinitionBody is an OpenAPI 3 document with openapi and paths"))
}

/// One route of a function.
pub struct Route<'a> {
    pub line: usize,
    pub path: &'a str,
    /// In small letters; [`ANY`] for any.
    pub method: &'a str,
    /// The function's logical id.
    pub function: &'a str,
    pub format: Option<Node>,
    pub timeout: Option<Node>,
}

/// Does a route lead somewhere?
pub fn has_integration(body: &Node, path: &str, method: &str) -> bool {
    integration(body, path, method).is_some()
}

/// Does the default route lead to this function?
pub fn is_default_of(body: &Node, function: &str) -> bool {
    let uri = integration(body, "$default", ANY).and_then(|integration| integration.get("uri"));
    let Some(("Fn::Sub", pattern)) = uri.and_then(call) else { return false };
    pattern.as_text().is_some_and(|pattern| pattern.contains(&format!("${{{function}.Arn}}")))
}

fn integration<'a>(body: &'a Node, path: &str, method: &str) -> Option<&'a Node> {
    body.get("paths")?.get(path)?.get(method)?.get(INTEGRATION)
}

/// Adds a route; one that leads somewhere already keeps its way and gets the settings.
///
/// # Errors
/// When what stands where the route belongs is no mapping.
pub fn add_route(body: &mut Node, route: Route<'_>) -> Result<(), Error> {
    let Route { line, path, method, function, format, timeout } = route;
    let is_new = !has_integration(body, path, method);
    let operation = member(member(member(body, "paths")?, path)?, method)?;
    if is_new {
        let uri = format!(
            "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{function}.Arn}}/invocations"
        );
        let text = |text: &str| Node::text(line, text);
        let integration = [
            ("type", text("aws_proxy")),
            ("httpMethod", text("POST")),
            ("payloadFormatVersion", text("2.0")),
            ("uri", Node::call(line, "Fn::Sub", text(&uri))),
        ];
        set(operation, INTEGRATION, Node::map(line, integration))?;
        if path == "$default" && method == ANY {
            set(operation, "isDefaultRoute", Node { line, value: Value::Bool(true) })?;
        }
        member(operation, "responses")?;
    }
    let integration = member(operation, INTEGRATION)?;
    for (name, value) in [("timeoutInMillis", timeout), ("payloadFormatVersion", format)] {
        if let Some(value) = value {
            set(integration, name, value)?;
        }
    }
    add_variables(operation, line, path)
}

/// Path variables as parameters; those that are there are made required.
fn add_variables(operation: &mut Node, line: usize, path: &str) -> Result<(), Error> {
    let names: Vec<&str> =
        path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut parameters =
        operation.get("parameters").and_then(Node::items).map(<[Node]>::to_vec).unwrap_or_default();
    for name in names {
        let is_it = |known: &&mut Node| known.get("name").and_then(Node::as_text) == Some(name);
        if !parameters.iter_mut().any(|known| is_it(&known)) {
            parameters.push(Node::map(line, [("name", Node::text(line, name))]));
        }
        let parameter = parameters.iter_mut().find(is_it).expect("it has just been added");
        set(parameter, "in", Node::text(line, "path"))?;
        set(parameter, "required", Node { line, value: Value::Bool(true) })?;
    }
    set(operation, "parameters", Node::list(line, parameters))
}

/// Sets CORS, over what the body has.
pub fn set_cors(body: &mut Node, cors: &[(String, Node)]) -> Result<(), Error> {
    let section = member(body, CORS)?;
    cors.iter().try_for_each(|(name, value)| set(section, name, value.clone()))
}

/// Adds tags, over those of the same name.
pub fn add_tags(body: &mut Node, tags: &[(String, Node)]) -> Result<(), Error> {
    let line = body.line;
    let mut all = body.get("tags").and_then(Node::items).map(<[Node]>::to_vec).unwrap_or_default();
    for (name, value) in tags {
        match all.iter_mut().find(|tag| tag.get("name").and_then(Node::as_text) == Some(name)) {
            Some(tag) => set(tag, TAG, value.clone())?,
            None => all.push(Node::map(line, [("name", Node::text(line, name)), (TAG, value.clone())])),
        }
    }
    set(body, "tags", Node::list(line, all))
}

/// Names the API, unless the body has a name of its own.
///
/// # Errors
/// When it has.
pub fn set_title(body: &mut Node, name: &Node) -> Result<(), Error> {
    let info = member(body, "info")?;
    if info.get("title") != Some(&title(name.line)) {
        return Err(Error::new(name.line, "Name cannot be set, since DefinitionBody has a title"));
    }
    set(info, "title", name.clone())
}

/// Describes the API, unless the body has a description of its own.
///
/// # Errors
/// When it has.
pub fn set_description(body: &mut Node, text: &Node) -> Result<(), Error> {
    let info = member(body, "info")?;
    if info.get("description").is_some() {
        return Err(Error::new(text.line, "Description cannot be set, since DefinitionBody has one"));
    }
    set(info, "description", text.clone())
}

/// The default route with a slash, without which an import would warn.
pub fn slash_default(body: &mut Node) -> Result<(), Error> {
    if let Value::Map(paths) = &mut member(body, "paths")?.value
        && let Some((path, _)) = paths.iter_mut().find(|(path, _)| path == "$default")
    {
        "/$default".clone_into(path);
    }
    Ok(())
}

/// A member that is a mapping, made where it is missing.
fn member<'n>(node: &'n mut Node, name: &str) -> Result<&'n mut Node, Error> {
    let line = node.line;
    let wrong = || Error::new(line, format!("{name} cannot stand here: a mapping does"));
    let Value::Map(pairs) = &mut node.value else { return Err(wrong()) };
    let at = pairs.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        pairs.push((name.to_owned(), Node::map(line, [])));
        pairs.len() - 1
    });
    let found = &mut pairs[at].1;
    if found.value == Value::Null {
        found.value = Value::Map(Vec::new());
    }
    Ok(found)
}

fn set(node: &mut Node, name: &str, value: Node) -> Result<(), Error> {
    *member(node, name)? = value;
    Ok(())
}
