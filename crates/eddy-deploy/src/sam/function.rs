//! `AWS::Serverless::Function`: the function, its role, what starts it and who may start it.

use crate::node::{Error, Node, Value};
use crate::resolve::{Scope, call};
use crate::sam::{Plain, Properties, http_api, openapi, policies, tags};
use crate::template::Resource;

/// Properties that the plain resource has by the same name.
const SAME: [&str; 15] = [
    "Architectures",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "Runtime",
    "SnapStart",
    "Timeout",
    "ReservedConcurrentExecutions",
];

/// Writes the resources of one serverless function.
pub fn expand(resource: &Resource, plain: &mut Plain<'_>) -> Result<(), Error> {
    let (id, line) = (resource.id.as_str(), resource.line);
    let mut properties = Properties::new(id, &resource.properties);
    let mut function = Resource::new(line, id, "AWS::Lambda::Function");
    function.depends_on.clone_from(&resource.depends_on);
    function.is_retained = resource.is_retained;
    function.outlives_replacement = resource.outlives_replacement;
    function.set("Code", code(&mut properties, line, plain.scope)?);
    for name in SAME {
        if let Some(value) = properties.take(name) {
            function.set(name, value.clone());
        }
    }
    let tags = tags(line, properties.take("Tags"));
    function.set("Tags", tags.clone());
    let role = properties.take("Role").map(|role| plain.scope.settle(role)).transpose()?.flatten();
    // SAM ignores policies beside a role of the user's own; so would whoever reads the template.
    let policies = match properties.take("Policies") {
        Some(all) if call(all).is_some() => plain.scope.settle(all)?,
        other => other.cloned(),
    };
    let trust = properties.take("AssumeRolePolicyDocument").cloned();
    let own_role = match &role {
        None => Some(own_role(id, line, policies.as_ref(), trust, &tags, plain.scope)?),
        Some(_) => None,
    };
    function.set("Role", role.unwrap_or_else(|| Node::attribute(line, &format!("{id}Role"), "Arn")));
    plain.resources.push(function);
    plain.resources.extend(own_role);
    if let Some(config) = properties.take("FunctionUrlConfig") {
        url(id, config, plain)?;
    }
    if let Some(config) = properties.take("EventInvokeConfig") {
        invoke_config(id, config, plain)?;
    }
    if let Some(events) = properties.take("Events") {
        // As the translator goes through them: the default route before others, which may need no permission then.
        let mut events: Vec<&(String, Node)> = events.pairs().unwrap_or_default().iter().collect();
        events.sort_by_key(|(name, event)| {
            let path = event.get("Properties").and_then(|properties| properties.get("Path")?.scalar());
            let is_route = event.get("Type").and_then(Node::as_text) == Some("HttpApi");
            path.unwrap_or_else(|| if is_route { "$default".to_owned() } else { name.clone() })
        });
        for (name, event) in events {
            self::event(id, name, event, plain)?;
        }
    }
    properties.end()
}

/// A folder beside the template, an object, or the code itself.
fn code(properties: &mut Properties<'_>, line: usize, scope: &Scope<'_>) -> Result<Node, Error> {
    if let Some(inline) = properties.take("InlineCode") {
        return Ok(Node::map(inline.line, [("ZipFile", inline.clone())]));
    }
    let uri = properties.take("CodeUri").map(|uri| scope.settle(uri)).transpose()?.flatten();
    let Some(uri) = &uri else {
        return Err(Error::new(line, "a function has CodeUri or InlineCode"));
    };
    let line = uri.line;
    if let Some(rest) = uri.as_text().and_then(|text| text.strip_prefix("s3://")) {
        let (bucket, key) =
            rest.split_once('/').ok_or_else(|| Error::new(line, "CodeUri: s3://BUCKET/KEY"))?;
        return Ok(Node::map(
            line,
            [("S3Bucket", Node::text(line, bucket)), ("S3Key", Node::text(line, key))],
        ));
    }
    if uri.as_text().is_some() || call(uri).is_some() {
        return Ok(Node::map(line, [("Folder", uri.clone())]));
    }
    let mut place = Properties::of_node("CodeUri", Some(uri))?;
    let missing = || Error::new(line, "CodeUri has Bucket and Key");
    let (bucket, key) = (place.take("Bucket").ok_or_else(missing)?, place.take("Key").ok_or_else(missing)?);
    place.end()?;
    Ok(Node::map(line, [("S3Bucket", bucket.clone()), ("S3Key", key.clone())]))
}

fn own_role(
    id: &str,
    line: usize,
    policies: Option<&Node>,
    document: Option<Node>,
    tags: &Node,
    scope: &Scope<'_>,
) -> Result<Resource, Error> {
    let role_id = format!("{id}Role");
    let policies = policies::read(&role_id, line, policies, scope)?;
    let document = document.unwrap_or_else(|| trust(line));
    let mut role = Resource::new(line, role_id, "AWS::IAM::Role")
        .with("AssumeRolePolicyDocument", document)
        .with("ManagedPolicyArns", Node::list(line, policies.managed));
    if !policies.inline.is_empty() {
        role.set("Policies", Node::list(line, policies.inline));
    }
    Ok(role.with("Tags", tags.clone()))
}

/// Lambda may take the role.
fn trust(line: usize) -> Node {
    let text = |text: &str| Node::text(line, text);
    let principal = Node::map(line, [("Service", Node::list(line, vec![text("lambda.amazonaws.com")]))]);
    let statement = Node::map(
        line,
        [
            ("Action", Node::list(line, vec![text("sts:AssumeRole")])),
            ("Effect", text("Allow")),
            ("Principal", principal),
        ],
    );
    Node::map(line, [("Version", text("2012-10-17")), ("Statement", Node::list(line, vec![statement]))])
}

fn permission(id: String, function: &str, action: &str, principal: &str, line: usize) -> Resource {
    Resource::new(line, id, "AWS::Lambda::Permission")
        .with("Action", Node::text(line, action))
        .with("FunctionName", Node::reference(line, function))
        .with("Principal", Node::text(line, principal))
}

/// A URL; one that is open to all gets the two permissions that this takes.
fn url(id: &str, config: &Node, plain: &mut Plain<'_>) -> Result<(), Error> {
    let line = config.line;
    let mut properties = Properties::of_node(id, Some(config))?;
    let mut url = Resource::new(line, format!("{id}Url"), "AWS::Lambda::Url")
        .with("TargetFunctionArn", Node::reference(line, id));
    let auth =
        properties.take("AuthType").ok_or_else(|| Error::new(line, "FunctionUrlConfig has an AuthType"))?;
    url.set("AuthType", auth.clone());
    for name in ["Cors", "InvokeMode"] {
        if let Some(value) = properties.take(name) {
            url.set(name, value.clone());
        }
    }
    properties.end()?;
    plain.resources.push(url);
    if auth.as_text() == Some("NONE") {
        let open = permission(format!("{id}UrlPublicPermissions"), id, "lambda:InvokeFunctionUrl", "*", line);
        let via =
            permission(format!("{id}URLInvokeAllowPublicAccess"), id, "lambda:InvokeFunction", "*", line);
        plain.resources.push(open.with("FunctionUrlAuthType", Node::text(line, "NONE")));
        plain.resources.push(via.with("InvokedViaFunctionUrl", Node { line, value: Value::Bool(true) }));
    }
    Ok(())
}

fn invoke_config(id: &str, config: &Node, plain: &mut Plain<'_>) -> Result<(), Error> {
    let line = config.line;
    let mut properties = Properties::of_node(id, Some(config))?;
    let mut resource =
        Resource::new(line, format!("{id}EventInvokeConfig"), "AWS::Lambda::EventInvokeConfig")
            .with("FunctionName", Node::reference(line, id))
            .with("Qualifier", Node::text(line, "$LATEST"));
    for name in ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"] {
        if let Some(value) = properties.take(name) {
            resource.set(name, value.clone());
        }
    }
    properties.end()?;
    plain.resources.push(resource);
    Ok(())
}

fn event(id: &str, name: &str, event: &Node, plain: &mut Plain<'_>) -> Result<(), Error> {
    let mut parts = Properties::of_node(name, Some(event))?;
    let kind = parts.literal("Type")?.unwrap_or_default();
    let given = parts.take("Properties");
    parts.end()?;
    let properties = Properties::of_node(name, given)?;
    match kind.as_str() {
        "HttpApi" => http_event(id, name, event.line, properties, plain),
        "S3" => s3_event(id, name, event.line, properties, plain),
        other => Err(Error::new(event.line, format!("the event type {other} of {id} is not supported"))),
    }
}

fn http_event(
    id: &str,
    name: &str,
    line: usize,
    mut properties: Properties<'_>,
    plain: &mut Plain<'_>,
) -> Result<(), Error> {
    let (path, method) = (properties.literal("Path")?, properties.literal("Method")?);
    if path.is_some() != method.is_some() {
        return Err(Error::new(line, format!("{name}: Path and Method stand together, or neither")));
    }
    let path = path.unwrap_or_else(|| "$default".to_owned());
    let method = method.unwrap_or_else(|| "any".to_owned()).to_lowercase();
    let method = match method.as_str() {
        "any" | openapi::ANY => openapi::ANY.to_owned(),
        "delete" | "get" | "head" | "options" | "patch" | "post" | "put" => method,
        // The translator hands it on, and the API has no route then.
        _ => {
            return Err(Error::new(
                line,
                format!("the method {method} of {name} is not supported; ANY is any"),
            ));
        }
    };
    let api = match properties.take("ApiId") {
        None => http_api::IMPLICIT,
        Some(node) => match call(node) {
            Some(("Ref", target)) => target.as_text().unwrap_or_default(),
            _ => return Err(Error::new(node.line, "ApiId is a !Ref of an HttpApi of this template")),
        },
    };
    let (format, timeout) = (properties.take("PayloadFormatVersion"), properties.take("TimeoutInMillis"));
    let (format, timeout) = (format.cloned(), timeout.cloned());
    properties.end()?;
    let target = http_api::named(api, line, plain)?;
    // A default route of the same function has its permission, and that is for every path.
    let is_permitted = path != "$default" && openapi::is_default_of(&target.body, id);
    let route = openapi::Route { line, path: &path, method: &method, function: id, format, timeout };
    http_api::route(target, route)?;
    if !is_permitted {
        let name = format!("{id}{name}Permission");
        let permission = permission(name, id, "lambda:InvokeFunction", "apigateway.amazonaws.com", line);
        plain.resources.push(permission.with("SourceArn", source_arn(line, api, &path, &method)));
    }
    Ok(())
}

/// The ARN of a route on every stage; variables match anything.
fn source_arn(line: usize, api: &str, path: &str, method: &str) -> Node {
    let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
    let method = if method == openapi::ANY { "*".to_owned() } else { method.to_uppercase() };
    let route = if path == "$default" { method } else { format!("{method}{}", starred(path)) };
    let pattern = format!(
        "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{__ApiId__}}/${{__Stage__}}/{route}"
    );
    let names = [("__ApiId__", Node::reference(line, api)), ("__Stage__", Node::text(line, "*"))];
    Node::call(line, "Fn::Sub", Node::list(line, vec![Node::text(line, pattern), Node::map(line, names)]))
}

fn starred(path: &str) -> String {
    let mut starred = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else { break };
        starred.push_str(before);
        starred.push('*');
        rest = after;
    }
    starred + rest
}

fn s3_event(
    id: &str,
    name: &str,
    line: usize,
    mut properties: Properties<'_>,
    plain: &mut Plain<'_>,
) -> Result<(), Error> {
    let bucket =
        properties.take("Bucket").ok_or_else(|| Error::new(line, format!("{name} has no Bucket")))?;
    let Some(("Ref", bucket_id)) = call(bucket) else {
        return Err(Error::new(bucket.line, "Bucket is a !Ref of a bucket of this template"));
    };
    let bucket_id = bucket_id.as_text().unwrap_or_default();
    let events =
        properties.take("Events").ok_or_else(|| Error::new(line, format!("{name} has no Events")))?;
    let filter = properties.take("Filter").cloned();
    properties.end()?;
    let permission_id = format!("{id}{name}Permission");
    let single = std::slice::from_ref(events);
    let configurations: Vec<Node> = events
        .items()
        .unwrap_or(single)
        .iter()
        .map(|event| {
            let mut pairs = vec![("Function".to_owned(), Node::attribute(line, id, "Arn"))];
            pairs.extend(filter.clone().map(|filter| ("Filter".to_owned(), filter)));
            pairs.push(("Event".to_owned(), event.clone()));
            Node { line, value: Value::Map(pairs) }
        })
        .collect();
    let found = plain.find(bucket_id).filter(|resource| resource.kind == "AWS::S3::Bucket");
    let resource =
        found.ok_or_else(|| Error::new(line, format!("{bucket_id} is no bucket of this template")))?;
    notify(resource, configurations);
    resource.depends_on.push(permission_id.clone());
    let permission = permission(permission_id, id, "lambda:InvokeFunction", "s3.amazonaws.com", line);
    plain.resources.push(permission.with("SourceAccount", Node::reference(line, "AWS::AccountId")));
    Ok(())
}

/// Adds to what the bucket tells functions already.
fn notify(bucket: &mut Resource, mut configurations: Vec<Node>) {
    let line = bucket.line;
    let before = bucket.get("NotificationConfiguration").and_then(|node| node.get("LambdaConfigurations"));
    let mut all = before.and_then(Node::items).unwrap_or_default().to_vec();
    all.append(&mut configurations);
    bucket
        .set("NotificationConfiguration", Node::map(line, [("LambdaConfigurations", Node::list(line, all))]));
}
