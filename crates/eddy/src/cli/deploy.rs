//! `eddy deploy`: deploys a folder to the server of this data folder. The server reads the folder itself: both are
//! on one machine.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::stack::Stack;
use super::{Context, Failure};
use crate::client::Request;

#[derive(Debug, clap::Args)]
pub struct Words {
    /// Folder with a template.yaml
    dir: PathBuf,
    #[command(flatten)]
    stack: Stack,
}

pub async fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    let folder = words.dir.canonicalize().map_err(|why| format!("{}: {why}", words.dir.display()))?;
    let asked = words.stack.asked()?;
    let document = json!({ "folder": folder, "parameters": asked.parameters, "stack": asked.stack });
    let request =
        Request::post(crate::serve::SERVICE, "/_eddy/v1/deploy").body(document.to_string().into_bytes());
    let answer = context.client()?.send(request).await?.checked()?.json()?;
    if context.out.wants_json() {
        context.out.document(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    for step in answer["steps"].as_array().into_iter().flatten() {
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        context.out.line(&format!(
            "{} {} {} ({})",
            text("done"),
            text("type"),
            text("id"),
            text("physicalId")
        ));
    }
    for (name, value) in answer["outputs"].as_object().into_iter().flatten() {
        context.out.line(&format!("{name} = {}", value.as_str().unwrap_or_default()));
        if let Some(url) = answer["here"][name].as_str() {
            context.out.line(&format!("{:width$}   here: {url}", "", width = name.len()));
        }
    }
    if answer["steps"] == Value::Array(Vec::new()) {
        context.out.note("nothing to change");
    }
    Ok(ExitCode::SUCCESS)
}
