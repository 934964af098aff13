//! `eddy events`: what waits and what failed, one event with all its attempts, and sending one again.

use std::process::ExitCode;

use serde_json::Value;

use super::{Context, Failure};
use crate::client::Request;
use crate::folder::command;

#[derive(Debug, clap::Args)]
pub struct Words {
    /// Only those that failed for good
    #[arg(long)]
    failed: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// One event whole: what it says, each attempt, the error, the version of the code
    Show { id: String },
    /// Deliver a failed event again, to the code as it is now
    Resend { id: String },
}

pub async fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    match words.what {
        None => list(context, words.failed).await,
        Some(What::Show { id }) => show(context, &id).await,
        Some(What::Resend { id }) => resend(context, &id).await,
    }
}

async fn list(context: &Context, failed: bool) -> Result<ExitCode, Failure> {
    let client = context.client()?;
    let mut rows = Vec::new();
    let mut path = format!("/_eddy/v1/events?failed={failed}");
    loop {
        let page = client.send(Request::get(crate::serve::SERVICE, path)).await?.checked()?.json()?;
        for event in page["events"].as_array().into_iter().flatten() {
            if context.out.wants_json() {
                context.out.document(event);
            } else {
                rows.push(row(event));
            }
        }
        match page["next"].as_str() {
            Some(next) => {
                path = format!("/_eddy/v1/events?failed={failed}&after={}", crate::client::escape(next))
            }
            None => break,
        }
    }
    if !context.out.wants_json() {
        context.out.table(&["ID", "AT", "KIND", "SUBJECT", "TARGET", "STATE", "ATTEMPTS", "ERROR"], rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(event: &Value) -> Vec<String> {
    let text = |name: &str| match &event[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    ["id", "at", "kind", "subject", "target", "state", "attempts", "errorType"].map(text).to_vec()
}

async fn show(context: &Context, id: &str) -> Result<ExitCode, Failure> {
    let path = format!("/_eddy/v1/events/{}", crate::client::escape(id));
    let story = context.client()?.send(Request::get(crate::serve::SERVICE, path)).await?.checked()?.json()?;
    if context.out.wants_json() {
        context.out.document(&story);
    } else {
        context.out.line(&serde_json::to_string_pretty(&story)?);
    }
    Ok(ExitCode::SUCCESS)
}

async fn resend(context: &Context, id: &str) -> Result<ExitCode, Failure> {
    let path = format!("/_eddy/v1/events/{}/resend", crate::client::escape(id));
    let answer =
        context.client()?.send(Request::post(crate::serve::SERVICE, path)).await?.checked()?.json()?;
    if context.out.wants_json() {
        context.out.document(&answer);
    } else {
        let follow = command(&format!("trace {id}"), &context.settings()?.data.value);
        context.out.note(&format!("{id} is on its way again; `{follow}` follows it"));
    }
    Ok(ExitCode::SUCCESS)
}
