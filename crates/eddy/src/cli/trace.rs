//! `eddy trace`: the tree of what caused what.

use std::process::ExitCode;

use serde_json::Value;

use super::{Context, Failure};
use crate::client::Request;

#[derive(Debug, clap::Args)]
pub struct Words {
    /// A request id, an event id, or an object as BUCKET/KEY
    what: String,
}

pub async fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    let path = format!("/_eddy/v1/trace?of={}", crate::client::escape(&words.what));
    let tree = context.client()?.send(Request::get(crate::serve::SERVICE, path)).await?.checked()?.json()?;
    if context.out.wants_json() {
        context.out.document(&tree);
        return Ok(ExitCode::SUCCESS);
    }
    for root in tree["roots"].as_array().into_iter().flatten() {
        print(context, root, 0);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(context: &Context, node: &Value, depth: usize) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let line = format!("{:indent$}{}  {}  {}", "", text("line"), text("at"), text("id"), indent = depth * 2);
    context.out.line(&line);
    for child in node["children"].as_array().into_iter().flatten() {
        print(context, child, depth + 1);
    }
}
