//! Which resource needs which, and an order in which all can be made.

use std::collections::BTreeSet;

use crate::node::{Error, Node, Value};
use crate::resolve::{Piece, call, pieces};
use crate::template::Resource;

/// The resources, each after what it needs, else as the template has them.
///
/// # Errors
/// When resources need each other in a circle, and when `DependsOn` names nobody.
pub fn order(resources: Vec<Resource>) -> Result<Vec<Resource>, Error> {
    let ids: Vec<String> = resources.iter().map(|resource| resource.id.clone()).collect();
    let mut waiting: Vec<(BTreeSet<String>, Resource)> = Vec::new();
    for resource in resources {
        let mut needs = BTreeSet::new();
        for name in &resource.depends_on {
            if !ids.contains(name) {
                let text = format!("{}: DependsOn names {name}, which is no resource", resource.id);
                return Err(Error::new(resource.line, text));
            }
            needs.insert(name.clone());
        }
        resource.properties.iter().for_each(|(_, node)| references(node, &mut needs));
        needs.retain(|name| ids.contains(name) && *name != resource.id);
        waiting.push((needs, resource));
    }
    let mut ordered: Vec<Resource> = Vec::new();
    while !waiting.is_empty() {
        let Some(at) = waiting.iter().position(|(needs, _)| needs.is_empty()) else {
            let circle: Vec<&str> = waiting.iter().map(|(_, resource)| resource.id.as_str()).collect();
            let text = format!("Circular dependency between resources: [{}]", circle.join(", "));
            return Err(Error::new(waiting[0].1.line, text));
        };
        let (_, resource) = waiting.remove(at);
        waiting.iter_mut().for_each(|(needs, _)| {
            needs.remove(&resource.id);
        });
        ordered.push(resource);
    }
    Ok(ordered)
}

/// Names that a node refers to.
fn references(node: &Node, found: &mut BTreeSet<String>) {
    if let Some((function, argument)) = call(node) {
        match function {
            "Ref" => found.extend(argument.as_text().map(str::to_owned)),
            "Fn::GetAtt" => {
                let name = argument.items().and_then(|items| items.first()).and_then(Node::as_text);
                found.extend(name.map(str::to_owned));
            }
            "Fn::Sub" => substituted(argument, found),
            _ => {}
        }
    }
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| references(item, found)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {}
    }
}

fn substituted(argument: &Node, found: &mut BTreeSet<String>) {
    let pattern = argument.items().and_then(|items| items.first()).unwrap_or(argument);
    for piece in pieces(pattern.as_text().unwrap_or_default()) {
        if let Piece::Name(name) = piece {
            found.insert(name.split('.').next().unwrap_or(name).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read;
    use crate::template::Template;

    fn check(resources: &str) -> Result<Vec<String>, Error> {
        let template = Template::read(&read(format!("Resources:\n{resources}"))?)?;
        Ok(order(template.resources)?.into_iter().map(|resource| resource.id).collect())
    }

    #[test]
    fn what_is_needed_goes_first() {
        for (resources, expected) in [
            ("  A: {Type: X, Properties: {P: !Ref B}}\n  B: {Type: X}", ["B", "A"]),
            ("  A: {Type: X, Properties: {P: !Sub 'x-${B.Arn}'}}\n  B: {Type: X}", ["B", "A"]),
            ("  A: {Type: X, Properties: {P: [{Q: !GetAtt B.Arn}]}}\n  B: {Type: X}", ["B", "A"]),
            ("  A: {Type: X, DependsOn: B}\n  B: {Type: X}", ["B", "A"]),
            ("  A: {Type: X, Properties: {P: !Ref AWS::Region}}\n  B: {Type: X}", ["A", "B"]),
        ] {
            assert_eq!(check(resources).expect(resources), expected);
        }
    }

    #[test]
    fn circles_and_nobodies_are_refused() {
        for (resources, said) in [
            (
                "  A: {Type: X, Properties: {P: !Ref B}}\n  B: {Type: X, DependsOn: A}",
                "Circular dependency between resources: [A, B]",
            ),
            ("  A: {Type: X, DependsOn: C}", "names C"),
        ] {
            let error = check(resources).expect_err(said);
            assert!(error.message.contains(said), "{error}");
        }
    }
}
