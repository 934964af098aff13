//! SAM: the short resources of `AWS::Serverless-2016-10-31` as the plain ones that they stand for, named as
//! aws-sam-translator names them.
//!
//! Resources whose condition does not hold are left out before, so nothing here wraps values in `Fn::If`. Parameters
//! are looked at where SAM looks at them; a path, a method or the auth type of a URL has to be written out.

mod function;
mod globals;
mod http_api;
mod names;
mod openapi;
mod policies;

pub use names::{Names, replace};
pub use openapi::ANY;

use crate::node::{Error, Node};
use crate::resolve::Scope;
use crate::template::{Resource, Template};

/// Expands the resources that exist (their conditions hold) into plain ones. With them come the names by which the
/// rest of the template may call what SAM has made.
///
/// # Errors
/// A serverless resource, property or event that is not supported, with its line.
pub fn expand(
    template: &Template,
    existing: &[&Resource],
    scope: &Scope<'_>,
) -> Result<(Vec<Resource>, Names), Error> {
    let globals = template.globals.as_ref();
    let mut plain = Plain { scope, globals, resources: Vec::new(), apis: Vec::new(), names: Vec::new() };
    for resource in existing.iter().filter(|resource| !is_serverless(resource)) {
        plain.resources.push((*resource).clone());
    }
    let serverless: Vec<Resource> = existing
        .iter()
        .filter(|resource| is_serverless(resource))
        .map(|resource| globals::apply(globals, resource))
        .collect::<Result<_, _>>()?;
    for resource in serverless.iter().filter(|resource| resource.kind == "AWS::Serverless::HttpApi") {
        http_api::declare(resource, &mut plain)?;
    }
    for resource in &serverless {
        match resource.kind.as_str() {
            "AWS::Serverless::HttpApi" => {}
            "AWS::Serverless::Function" => function::expand(resource, &mut plain)?,
            other => {
                return Err(Error::new(resource.line, format!("{}: {other} is not supported", resource.id)));
            }
        }
    }
    http_api::finish(&mut plain)?;
    let Plain { mut resources, names, .. } = plain;
    for (_, node) in resources.iter_mut().flat_map(|resource| &mut resource.properties) {
        *node = replace(node, &names);
    }
    Ok((resources, names))
}

fn is_serverless(resource: &Resource) -> bool {
    resource.kind.starts_with("AWS::Serverless::")
}

/// What the expansion grows.
struct Plain<'a> {
    /// What SAM decides by is settled in it.
    scope: &'a Scope<'a>,
    globals: Option<&'a Node>,
    resources: Vec<Resource>,
    apis: Vec<http_api::Api>,
    names: Names,
}

impl Plain<'_> {
    fn find(&mut self, id: &str) -> Option<&mut Resource> {
        self.resources.iter_mut().find(|resource| resource.id == id)
    }
}

/// Takes properties one by one and refuses those that nobody took.
struct Properties<'a> {
    of: &'a str,
    left: Vec<(&'a str, &'a Node)>,
}

impl<'a> Properties<'a> {
    fn new(of: &'a str, pairs: &'a [(String, Node)]) -> Properties<'a> {
        Properties { of, left: pairs.iter().map(|(name, node)| (name.as_str(), node)).collect() }
    }

    fn of_node(of: &'a str, node: Option<&'a Node>) -> Result<Properties<'a>, Error> {
        match node {
            None => Ok(Properties { of, left: Vec::new() }),
            Some(node) => match node.pairs() {
                Some(pairs) => Ok(Properties::new(of, pairs)),
                None => Err(Error::new(node.line, format!("{of}: a mapping stands here"))),
            },
        }
    }

    fn take(&mut self, name: &str) -> Option<&'a Node> {
        let at = self.left.iter().position(|(known, _)| *known == name)?;
        Some(self.left.remove(at).1)
    }

    /// A text that must be known now, so no function may stand there.
    fn literal(&mut self, name: &str) -> Result<Option<String>, Error> {
        let Some(node) = self.take(name) else { return Ok(None) };
        let text = node.scalar().map(Some);
        text.ok_or_else(|| Error::new(node.line, format!("{name} of {} is a plain value", self.of)))
    }

    fn end(self) -> Result<(), Error> {
        match self.left.first() {
            None => Ok(()),
            Some((name, node)) => {
                Err(Error::new(node.line, format!("the property {name} of {} is not supported", self.of)))
            }
        }
    }
}

/// `[{Key: k, Value: v}, ...]`, with SAM's own mark first.
fn tags(line: usize, given: Option<&Node>) -> Node {
    let tag = |key: &str, value: Node| Node::map(line, [("Key", Node::text(line, key)), ("Value", value)]);
    let mut tags = vec![tag("lambda:createdBy", Node::text(line, "SAM"))];
    let given = given.and_then(Node::pairs).unwrap_or_default();
    tags.extend(given.iter().map(|(key, value)| tag(key, value.clone())));
    Node::list(line, tags)
}
