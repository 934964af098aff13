//! Trees of causes for `eddy trace`.

use std::sync::Arc;

use eddy_base::{Code, Fault, Subject};
use eddy_telemetry::{Kind, Tree, What};
use http::request::Parts;
use serde_json::{Value, json};

use super::parameter;
use crate::assemble::App;
use crate::terminal;

/// The trees in which a request, an event or an object stands.
pub fn show(app: &Arc<App>, head: &Parts) -> Result<Value, Fault> {
    let of = parameter(head, "of").ok_or_else(|| Fault::invalid("of: missing"))?;
    let trees = app.engines.telemetry.trees(&What::parse(&of))?;
    if trees.is_empty() {
        let text = format!(
            "nothing is known of {of:?}: traces are kept for a week, reads from outside are not kept"
        );
        return Err(Fault::new(Code::Missing, Subject::Event, text));
    }
    Ok(json!({ "roots": trees.iter().flat_map(nodes).collect::<Vec<Value>>() }))
}

/// An event stands between a change and what it started; for a person the two hang together directly.
fn nodes(tree: &Tree) -> Vec<Value> {
    let below: Vec<Value> = tree.below.iter().flat_map(nodes).collect();
    if tree.node.kind == Kind::Event && !below.is_empty() {
        return below;
    }
    vec![json!({
        "id": tree.node.id.to_string(), "line": terminal::line(&tree.node), "label": tree.node.label,
        "outcome": tree.node.outcome, "at": tree.node.started.iso8601(), "tookMicros": tree.node.took_micros,
        "detail": tree.node.detail, "isCut": tree.is_cut, "children": below,
    })]
}
