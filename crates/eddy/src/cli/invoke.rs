//! `eddy invoke`: one invocation through the Lambda API; stdout is the function's answer, byte for byte.

use std::io::Read;
use std::process::ExitCode;

use super::{Context, Failure};
use crate::client::Request;
use crate::folder::command;

#[derive(Debug, clap::Args)]
pub struct Words {
    /// Name or ARN of the function
    name: String,
    /// The event, JSON; `-` reads it from standard input [default: {}]
    #[arg(short = 'd', long, value_name = "JSON")]
    payload: Option<String>,
    /// Put it into the function's queue and do not wait
    #[arg(long = "async")]
    asynchronous: bool,
}

pub async fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    let client = context.client()?;
    let kind = if words.asynchronous { "Event" } else { "RequestResponse" };
    let path = format!("/2015-03-31/functions/{}/invocations", crate::client::escape(&words.name));
    let request = Request::post("lambda", path)
        .header("x-amz-invocation-type", kind)
        .header("x-amz-log-type", if words.asynchronous { "None" } else { "Tail" })
        .body(event(words.payload)?);
    let answer = client.send(request).await?.checked()?;
    let id = answer.header("x-amzn-requestid").unwrap_or_default().to_owned();
    let failed = answer.header("x-amz-function-error").map(str::to_owned);
    if context.out.wants_json() {
        let payload = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
        context.out.document(&serde_json::json!({
            "requestId": id, "status": answer.status.as_u16(), "functionError": failed, "payload": payload,
        }));
    } else if words.asynchronous {
        context.out.note(&format!("queued as {id}"));
    } else {
        context.out.bytes(&answer.body);
        context.out.bytes(b"\n");
    }
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(kind) => {
            let logs = command(&format!("logs {}", words.name), &context.settings()?.data.value);
            context.out.note(&format!("the function failed ({kind}); `{logs}` has its output"));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn event(payload: Option<String>) -> Result<Vec<u8>, Failure> {
    match payload.as_deref() {
        None => Ok(b"{}".to_vec()),
        Some("-") => {
            let mut event = Vec::new();
            std::io::stdin().lock().read_to_end(&mut event)?;
            Ok(event)
        }
        Some(text) => Ok(text.as_bytes().to_vec()),
    }
}
