//! Events for `eddy events`.

use std::sync::Arc;

use eddy_base::{Code, Fault, Id, Scope, Subject};
use eddy_bus::{Attempt, Dead, End, Event, Letter, Shape, Source, State, Story, TargetName, Told};
use http::request::Parts;
use serde_json::{Value, json};

use super::parameter;
use crate::assemble::App;

/// Dead letters a page.
const PAGE: usize = 100;
/// The most of an event's data that is shown.
const DATA_BYTES_MAX: usize = 4096;

/// Dead letters, the newest first. With `failed=true` only those that were not sent again.
pub fn list(app: &Arc<App>, head: &Parts) -> Result<Value, Fault> {
    let open_only = parameter(head, "failed").as_deref() == Some("true");
    let before = parameter(head, "after").map(|text| text.parse::<u64>());
    let before = before.transpose().map_err(|_| Fault::invalid("after: not a page"))?;
    let scope = Scope { account: app.account.clone(), region: app.region.clone() };
    let page = app.bus.failed(&scope, before, PAGE)?;
    let letters = page.letters.iter().filter(|letter| !open_only || letter.resent.is_none());
    Ok(
        json!({ "events": letters.map(line).collect::<Vec<Value>>(), "next": page.next.map(|next| next.to_string()) }),
    )
}

fn line(letter: &Letter) -> Value {
    let Dead { event, target, error_type, message, attempts, at, .. } = &letter.dead;
    json!({
        "id": event.id.to_string(), "at": at.iso8601(), "kind": event.kind, "subject": subject(event),
        "target": name(target), "state": if letter.resent.is_some() { "resent" } else { "failed" },
        "attempts": attempts.len(), "errorType": error_type, "message": message,
    })
}

/// One event with everything that is known of it.
pub fn show(app: &Arc<App>, id: &str) -> Result<Value, Fault> {
    let Story { event, accepted, deliveries, letters } = app.bus.event(parse(id)?)?;
    let heard_by = deliveries.first().map(|told| told.subscription.as_str());
    let data = data(&event, heard_by.unwrap_or_default());
    Ok(json!({
        "event": {
            "id": event.id.to_string(), "at": event.at.iso8601(), "accepted": accepted.iso8601(),
            "source": source(&event.source), "kind": event.kind, "subject": event.subject,
            "root": event.cause.root.to_string(), "cause": event.cause.parent.to_string(), "hops": event.cause.hops,
            "data": data,
        },
        "deliveries": deliveries.iter().map(told).collect::<Vec<Value>>(),
        "letters": letters.iter().map(letter).collect::<Vec<Value>>(),
    }))
}

/// Delivers a failed event again.
pub async fn resend(app: &Arc<App>, id: &str) -> Result<Value, Fault> {
    let sent = app.bus.resend(parse(id)?).await?;
    Ok(json!({ "id": id, "resent": sent.value() }))
}

fn parse(id: &str) -> Result<Id, Fault> {
    id.parse()
        .map_err(|_| Fault::new(Code::Missing, Subject::Event, format!("{id:?} is not the id of an event")))
}

/// What a function is handed: the document that the subscription's shape makes of the event.
fn data(event: &Event, subscription: &str) -> Value {
    let document = match &event.source {
        Source::Bucket { .. } => eddy_aws::s3::S3Event.render(event, subscription).ok(),
        Source::Function { .. } => Some(event.data.clone()),
    };
    match document {
        Some(document) if document.len() <= DATA_BYTES_MAX => {
            serde_json::from_slice(&document).unwrap_or_else(|_| json!(String::from_utf8_lossy(&document)))
        }
        Some(document) => json!(format!("{} bytes", document.len())),
        None => json!(format!("{} bytes", event.data.len())),
    }
}

fn told(told: &Told) -> Value {
    let state = match &told.state {
        State::NotWanted(why) => json!({ "state": "not wanted", "why": why.to_string() }),
        State::Waiting => json!({ "state": "waiting" }),
        State::Retrying { due } => json!({ "state": "retrying", "due": due.iso8601() }),
        State::Ended { end: End::Delivered, at } => json!({ "state": "delivered", "at": at.iso8601() }),
        State::Ended { end: End::Dead(reason), at } => {
            json!({ "state": "failed", "why": reason.to_string(), "at": at.iso8601() })
        }
        State::Settled => json!({ "state": "settled" }),
    };
    json!({
        "subscription": told.subscription, "target": told.target.as_ref().map(name), "state": state,
        "attempts": told.attempts.iter().map(attempt).collect::<Vec<Value>>(), "putBacks": told.put_backs,
    })
}

fn letter(letter: &Letter) -> Value {
    let Dead { subscription, target, reason, error_type, message, trace, attempts, code_version, at, .. } =
        &letter.dead;
    json!({
        "subscription": subscription, "target": name(target), "why": reason.to_string(), "errorType": error_type,
        "message": message, "trace": trace, "attempts": attempts.iter().map(attempt).collect::<Vec<Value>>(),
        "codeVersion": code_version, "at": at.iso8601(), "resent": letter.resent.map(|at| at.iso8601()),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    let failure = attempt.failure.as_ref().map(|failure| {
        json!({ "errorType": failure.error_type, "message": failure.message, "codeVersion": failure.code_version })
    });
    json!({ "started": attempt.started.iso8601(), "tookMs": attempt.took_ms, "failure": failure })
}

fn source(source: &Source) -> Value {
    match source {
        Source::Bucket { name, .. } => json!({ "bucket": name }),
        Source::Function { name, qualifier, .. } => json!({ "function": name, "qualifier": qualifier }),
    }
}

/// What the event is about, with where it is.
fn subject(event: &Event) -> String {
    match &event.source {
        Source::Bucket { name, .. } => format!("{name}/{}", event.subject),
        Source::Function { name, .. } => name.clone(),
    }
}

fn name(target: &TargetName) -> String {
    let TargetName::Function { name, .. } = target;
    name.clone()
}
