//! Logs as they are written, for `eddy logs -f`: a JSON line for each event, until the client or the server goes.

use std::sync::Arc;

use bytes::Bytes;
use eddy_base::{Fault, Scope};
use eddy_telemetry::logs::Tailed;
use eddy_telemetry::logs::pattern::Pattern;
use eddy_wire::Outgoing;
use futures_util::stream;
use http::Response;
use http::request::Parts;
use serde_json::json;

use super::parameter;
use crate::assemble::App;

/// Follows a group.
pub fn follow(app: &Arc<App>, head: &Parts) -> Result<Response<Outgoing>, Fault> {
    let group = parameter(head, "group").ok_or_else(|| Fault::invalid("group: missing"))?;
    let pattern = Pattern::parse(&parameter(head, "filter").unwrap_or_default())
        .map_err(|why| Fault::invalid(format!("filter: {why}")))?;
    let scope = Scope { account: app.account.clone(), region: app.region.clone() };
    let tail = app.engines.telemetry.logs().tail(&scope, &group, pattern)?;
    let closing = app.closing.subscribe();
    let lines = stream::unfold((tail, closing), |(mut tail, mut closing)| async move {
        let next = tokio::select! {
            biased;
            next = tail.next() => next,
            // A stop does not wait for what has no end.
            _ = closing.wait_for(|is_closing| *is_closing) => return None,
        };
        match next {
            Ok(Some(events)) => {
                let line = |event: Tailed| {
                    let document = json!({
                        "timestamp": event.at.millis(), "message": event.message, "logStreamName": event.stream,
                    });
                    format!("{document}\n")
                };
                let lines: String = events.into_iter().map(line).collect();
                Some((Ok::<Bytes, eddy_wire::outgoing::Error>(Bytes::from(lines)), (tail, closing)))
            }
            Ok(None) => None,
            Err(fault) => Some((Err(fault.into()), (tail, closing))),
        }
    });
    Ok(Response::new(Outgoing::stream(lines, None)))
}
