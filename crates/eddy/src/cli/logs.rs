//! `eddy logs`: what a function printed, through the CloudWatch Logs API.

use std::process::ExitCode;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::{Context, Failure};
use crate::client::{Client, Request};

#[derive(Debug, clap::Args)]
pub struct Words {
    /// Name of the function, or of a log group (with a `/` in it)
    name: String,
    /// Go on as lines arrive, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only lines that match, in CloudWatch's filter pattern language
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Lines of the last SECONDS only
    #[arg(long, value_name = "SECONDS")]
    since: Option<i64>,
}

pub async fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    let client = context.client()?;
    let group =
        if words.name.contains('/') { words.name.clone() } else { group_of(&client, &words.name).await? };
    let mut query = json!({ "logGroupName": group });
    if let Some(pattern) = &words.filter {
        query["filterPattern"] = json!(pattern);
    }
    if let Some(seconds) = words.since {
        query["startTime"] = json!(client.now().millis() - seconds * 1000);
    }
    if words.follow {
        return follow(context, &client, &group, words.filter.as_deref()).await;
    }
    print_pages(context, &client, query).await?;
    Ok(ExitCode::SUCCESS)
}

/// Where a function logs; one that is gone has logged to the usual group.
async fn group_of(client: &Client, function: &str) -> Result<String, Failure> {
    let path = format!("/2015-03-31/functions/{}/configuration", crate::client::escape(function));
    let answer = client.send(Request::get("lambda", path)).await?;
    let group =
        answer.json().ok().and_then(|found| found["LoggingConfig"]["LogGroup"].as_str().map(str::to_owned));
    Ok(group.unwrap_or_else(|| format!("/aws/lambda/{function}")))
}

async fn print_pages(context: &Context, client: &Client, mut query: Value) -> Result<(), Failure> {
    loop {
        let page = client.send(Request::target("logs", "Logs_20140328.FilterLogEvents", &query)).await?;
        let page = page.checked()?.json()?;
        for event in page["events"].as_array().into_iter().flatten() {
            print(context, event);
        }
        match page.get("nextToken") {
            Some(token) => query["nextToken"] = token.clone(),
            None => return Ok(()),
        }
    }
}

fn print(context: &Context, event: &Value) {
    if context.out.wants_json() {
        context.out.document(event);
        return;
    }
    let at = eddy_base::Timestamp::from_millis(event["timestamp"].as_i64().unwrap_or_default());
    let message = event["message"].as_str().unwrap_or_default();
    context.out.line(&format!("{} {}", at.iso8601(), message.trim_end()));
}

/// The server holds the request open and sends each line as it is written.
async fn follow(
    context: &Context,
    client: &Client,
    group: &str,
    filter: Option<&str>,
) -> Result<ExitCode, Failure> {
    let mut path = format!("/_eddy/v1/logs/follow?group={}", crate::client::escape(group));
    if let Some(filter) = filter {
        path.push_str("&filter=");
        path.push_str(&crate::client::escape(filter));
    }
    // Heard from the beginning on, so that no Ctrl-C falls between.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut lines = client.stream(Request::get(crate::serve::SERVICE, path)).await?;
    loop {
        let line = tokio::select! {
            line = lines.next() => line?,
            _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
        };
        match line {
            Some(line) => print(context, &serde_json::from_slice(&line)?),
            None => {
                context.out.note("eddy: the server has stopped");
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}
