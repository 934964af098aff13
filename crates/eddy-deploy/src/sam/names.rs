//! `Api.Stage`: the name by which templates refer to a resource that SAM makes for another.

use crate::node::{Node, Value};
use crate::resolve::{Piece, call, pieces};

/// Names that SAM understands, and the logical ids that they stand for.
pub type Names = Vec<(String, String)>;

/// The node with logical ids in place of SAM's names.
pub fn replace(node: &Node, names: &Names) -> Node {
    let line = node.line;
    let known = |name: &str| names.iter().find(|(known, _)| known == name).map(|(_, id)| id.as_str());
    match call(node) {
        Some(("Ref", name)) => {
            if let Some(id) = name.as_text().and_then(known) {
                return Node::reference(line, id);
            }
        }
        Some(("Fn::Sub", argument)) => return Node::call(line, "Fn::Sub", substitution(argument, names)),
        Some(_) | None => {}
    }
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| replace(item, names)).collect()),
        Value::Map(pairs) => {
            Value::Map(pairs.iter().map(|(key, value)| (key.clone(), replace(value, names))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => node.value.clone(),
    };
    Node { line, value }
}

fn substitution(argument: &Node, names: &Names) -> Node {
    let line = argument.line;
    match (argument.as_text(), argument.items()) {
        (Some(pattern), _) => Node::text(line, replaced(pattern, names)),
        (None, Some([pattern, own])) => {
            let pattern = match pattern.as_text() {
                Some(text) => Node::text(pattern.line, replaced(text, names)),
                None => pattern.clone(),
            };
            Node::list(line, vec![pattern, replace(own, names)])
        }
        (None, Some(_) | None) => argument.clone(),
    }
}

fn replaced(pattern: &str, names: &Names) -> String {
    let mut text = pattern.to_owned();
    for piece in pieces(pattern) {
        if let Piece::Name(name) = piece
            && let Some((_, id)) = names.iter().find(|(known, _)| known == name)
        {
            text = text.replace(&format!("${{{name}}}"), &format!("${{{id}}}"));
        }
    }
    text
}
