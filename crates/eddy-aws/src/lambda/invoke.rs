use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use eddy_base::env::blocking;
use eddy_base::{Code, Env, Fault, Subject};
use eddy_functions::limits::{PAYLOAD_ASYNC_BYTES_MAX, PAYLOAD_BYTES_MAX};
use eddy_functions::{Functions, Invoked, LATEST};
use eddy_store::Pos;
use eddy_wire::Blob;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::{FunctionName, Place};
use crate::{Cx, Needs, Operation, Reply};

/// Payloads above this are checked where they stop nobody.
const CHECK_INLINE_BYTES_MAX: usize = 128 * 1024;

/// Invokes a function: and waits for its answer, or not, or only asks whether it could be.
#[derive(Debug, Deserialize)]
pub(super) struct Invoke {
    function_name: FunctionName,
    invocation_type: Option<InvocationType>,
    log_type: Option<LogType>,
    client_context: Option<String>,
    payload: Option<Blob>,
    qualifier: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
enum InvocationType {
    Event,
    #[default]
    RequestResponse,
    DryRun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum LogType {
    None,
    Tail,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    status_code: u16,
    function_error: Option<&'static str>,
    log_result: Option<String>,
    payload: Option<Blob>,
    executed_version: Option<&'static str>,
}

impl Operation for Invoke {
    const NAME: &'static str = "Invoke";
    /// A little more than the longest payload, so that the refusal can name the limit.
    const BODY_BYTES_MAX: u64 = 2 * PAYLOAD_BYTES_MAX as u64;
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::later()
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        let functions = &cx.engines.functions;
        let pos = allowed(&cx, functions, &place)?;
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let kind = self.invocation_type.unwrap_or_default();
        let payload = self.payload.map(|Blob(payload)| payload).filter(|payload| !payload.is_empty());
        let payload = payload.unwrap_or(Bytes::from_static(b"{}"));
        let payload = checked(cx.engines.store.env(), kind, payload).await?;
        let client_context = self.client_context.as_deref().map(decoded).transpose()?;
        let invoke = eddy_functions::Invoke {
            scope: place.scope.clone(),
            name: place.name.clone(),
            qualifier: place.qualifier.clone(),
            payload,
            client_context,
            trace: None,
            cause: cx.cause,
            request_id: cx.request_id,
            tail: self.log_type == Some(LogType::Tail),
            by: None,
        };
        match kind {
            InvocationType::RequestResponse => {
                functions.invoke(invoke).await.map(answered).map_err(not_run).map_err(about(&place))
            }
            InvocationType::Event => {
                let accepted = functions.enqueue(invoke).await.map_err(about(&place))?;
                let status = StatusCode::ACCEPTED;
                Ok(Reply::after(accepted.map(|_| Output::empty(status))).status(status))
            }
            InvocationType::DryRun => {
                let status = StatusCode::NO_CONTENT;
                Ok(Reply::read(Output::empty(status), pos).status(status))
            }
        }
    }
}

impl Output {
    fn empty(status: StatusCode) -> Output {
        Output {
            status_code: status.as_u16(),
            function_error: None,
            log_result: None,
            payload: None,
            executed_version: None,
        }
    }
}

/// Asks the function's own policy too, so that other accounts and services may be let in.
fn allowed(cx: &Cx, functions: &Functions, place: &Place) -> Result<Pos, Fault> {
    let action = "lambda:InvokeFunction";
    let found = functions.with_policy(&place.scope, &place.name, |policy, pos| {
        cx.allow(action, &place.arn(), policy).map(|()| pos)
    });
    match found {
        Ok(decided) => decided,
        Err(fault) => {
            // Who may not invoke it does not learn whether it is there.
            cx.allow(action, &place.arn(), None)?;
            Err(about(place)(fault))
        }
    }
}

/// A runtime that was there when the function was made and is not any more.
fn not_run(fault: Fault) -> Fault {
    match (fault.code, fault.subject) {
        (Code::Unsupported, Subject::Runtime) => fault.named("InvalidRuntimeException"),
        _ => fault,
    }
}

fn answered(invoked: Invoked) -> Reply<Output> {
    let output = Output {
        status_code: StatusCode::OK.as_u16(),
        function_error: invoked.error.map(|_| "Unhandled"),
        log_result: invoked.log_tail.map(|tail| BASE64.encode(tail)),
        payload: Some(Blob(invoked.payload)),
        executed_version: Some(LATEST),
    };
    Reply::read(output, invoked.pos)
}

/// The payload, if it is small enough and JSON.
async fn checked(env: &Arc<dyn Env>, kind: InvocationType, payload: Bytes) -> Result<Bytes, Fault> {
    let size = payload.len();
    if kind == InvocationType::Event && size > PAYLOAD_ASYNC_BYTES_MAX {
        let text = format!(
            "{size} byte payload is too large for the Event invocation type (limit {PAYLOAD_ASYNC_BYTES_MAX} bytes)"
        );
        return Err(
            Fault::new(Code::TooLarge, Subject::Request, text).named("RequestEntityTooLargeException")
        );
    }
    if size > PAYLOAD_BYTES_MAX {
        let text = format!(
            "Request must be smaller than {PAYLOAD_BYTES_MAX} bytes for the InvokeFunction operation"
        );
        return Err(Fault::new(Code::TooLarge, Subject::Request, text));
    }
    let parsed = if size <= CHECK_INLINE_BYTES_MAX {
        parses(&payload)
    } else {
        let copy = payload.clone();
        let parsing = blocking(env, move || parses(&copy));
        parsing.await.map_err(|_| Fault::internal("the payload could not be read"))?
    };
    parsed.map(|()| payload)
}

fn parses(payload: &[u8]) -> Result<(), Fault> {
    match serde_json::from_slice::<serde::de::IgnoredAny>(payload) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = format!("Could not parse request body into json: {error}");
            Err(Fault::invalid(text).named("InvalidRequestContentException"))
        }
    }
}

/// The JSON in a client context.
fn decoded(context: &str) -> Result<String, Fault> {
    let wrong = || {
        Fault::invalid("Client context must be a valid Base64-encoded JSON object.")
            .named("InvalidRequestContentException")
    };
    let bytes = BASE64.decode(context).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|_| wrong())?;
    Ok(text)
}
