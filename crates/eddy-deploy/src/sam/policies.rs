//! Policies of a serverless function: names of managed policies, ARNs, documents, and SAM's policy templates.

use std::sync::LazyLock;

use crate::node::{Error, Node, Value};
use crate::resolve::{Scope, call};

/// SAM's policy templates; see NOTICE.
static TEMPLATES: LazyLock<Node> = LazyLock::new(|| {
    crate::read::read(include_str!("../../data/policy_templates.json"))
        .expect("the table is embedded and tested")
});

/// Managed policies that stand below `service-role/`.
const SERVICE_ROLES: [&str; 7] = [
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaKinesisExecutionRole",
    "AWSLambdaMSKExecutionRole",
    "AWSLambdaRole",
    "AWSLambdaSQSQueueExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
];

/// What a role gets.
pub struct Policies {
    pub managed: Vec<Node>,
    pub inline: Vec<Node>,
}

/// Sorts `Policies` of a function; inline ones are called `{role}Policy{n}`, and one that comes to nothing counts.
pub fn read(role: &str, line: usize, policies: Option<&Node>, scope: &Scope<'_>) -> Result<Policies, Error> {
    let basic = Node::text(line, managed_arn("AWSLambdaBasicExecutionRole"));
    let mut read = Policies { managed: vec![basic], inline: Vec::new() };
    let Some(policies) = policies else { return Ok(read) };
    let single = std::slice::from_ref(policies);
    for (number, policy) in policies.items().unwrap_or(single).iter().enumerate() {
        let Some(policy) = &scope.settle(policy)? else { continue };
        match &policy.value {
            Value::Text(name) => {
                let arn = if name.starts_with("arn:") { name.clone() } else { managed_arn(name) };
                let arn = Node::text(policy.line, arn);
                if !read.managed.contains(&arn) {
                    read.managed.push(arn);
                }
            }
            Value::Map(_) if call(policy).is_some() => read.managed.push(policy.clone()),
            Value::Map(_) => {
                let name = Node::text(policy.line, format!("{role}Policy{number}"));
                let pairs = [("PolicyName", name), ("PolicyDocument", document(policy)?)];
                read.inline.push(Node::map(policy.line, pairs));
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) => {
                return Err(Error::new(
                    policy.line,
                    "a policy is a name, an ARN, a document or a policy template",
                ));
            }
        }
    }
    Ok(read)
}

fn managed_arn(name: &str) -> String {
    let path = if SERVICE_ROLES.contains(&name) { "service-role/" } else { "" };
    format!("arn:aws:iam::aws:policy/{path}{name}")
}

/// A document as it is, or the one that a policy template makes.
fn document(policy: &Node) -> Result<Node, Error> {
    if policy.get("Statement").is_some() {
        return Ok(policy.clone());
    }
    let [(name, arguments)] = policy.pairs().unwrap_or_default() else {
        return Err(Error::new(policy.line, "a policy has a Statement, or the name of one policy template"));
    };
    let template = TEMPLATES.get(name);
    let template =
        template.ok_or_else(|| Error::new(policy.line, format!("there is no policy template {name}")))?;
    let wanted = template.get("Parameters").and_then(Node::items).unwrap_or_default();
    for parameter in wanted.iter().filter_map(Node::as_text) {
        if arguments.get(parameter).is_none() {
            return Err(Error::new(policy.line, format!("the policy template {name} needs {parameter}")));
        }
    }
    let definition = template.get("Definition").expect("every policy template has its definition");
    Ok(fill(definition, arguments, policy.line))
}

/// Puts the arguments where the template refers to its parameters.
fn fill(node: &Node, arguments: &Node, line: usize) -> Node {
    if let Some(("Ref", name)) = call(node)
        && let Some(value) = name.as_text().and_then(|name| arguments.get(name))
    {
        return value.clone();
    }
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| fill(item, arguments, line)).collect()),
        Value::Map(pairs) => {
            Value::Map(pairs.iter().map(|(key, value)| (key.clone(), fill(value, arguments, line))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => node.value.clone(),
    };
    Node { line, value }
}
