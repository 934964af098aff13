//! Globals: what a template sets once for all its serverless resources. Mappings are merged, lists joined, and of
//! plain values that of the resource wins.

use crate::node::{Error, Node, Value};
use crate::resolve::call;
use crate::template::Resource;

/// The resource with the globals of its kind.
pub fn apply(globals: Option<&Node>, resource: &Resource) -> Result<Resource, Error> {
    let mut merged = resource.clone();
    let Some(globals) = globals else { return Ok(merged) };
    let pairs = globals.pairs().ok_or_else(|| Error::new(globals.line, "Globals is a mapping"))?;
    for (section, values) in pairs {
        if !matches!(section.as_str(), "Function" | "HttpApi") {
            return Err(Error::new(values.line, format!("Globals of {section} are not supported")));
        }
        if resource.kind == format!("AWS::Serverless::{section}") {
            for (name, global) in values.pairs().unwrap_or_default() {
                let value = match resource.get(name) {
                    Some(own) => merge(global, own),
                    None => global.clone(),
                };
                merged.set(name, value);
            }
        }
    }
    Ok(merged)
}

fn merge(global: &Node, own: &Node) -> Node {
    let is_call = call(global).is_some() || call(own).is_some();
    let value = match (&global.value, &own.value) {
        (Value::Map(below), Value::Map(above)) if !is_call => {
            let mut pairs = below.clone();
            for (key, value) in above {
                match pairs.iter_mut().find(|(known, _)| known == key) {
                    Some((_, node)) => *node = merge(node, value),
                    None => pairs.push((key.clone(), value.clone())),
                }
            }
            Value::Map(pairs)
        }
        (Value::List(below), Value::List(above)) => Value::List(below.iter().chain(above).cloned().collect()),
        _ => own.value.clone(),
    };
    Node { line: own.line, value }
}
