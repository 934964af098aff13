//! Requests for HTTP APIs and function URLs, by host or by path.

use std::sync::Arc;

use bytes::Bytes;
use eddy_aws::Peer;
use eddy_base::{Cause, Id};
use eddy_gateway::{Answer, Head, Plan, Refusal};
use eddy_telemetry::{Keep, Kind, Node};
use eddy_wire::{Incoming, Outgoing};
use http::request::Parts;
use http::{Response, header};
use http_body::Body;

use crate::assemble::App;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    Api(String),
    Url(String),
}

impl Door {
    /// `/_eddy/api/{api}/...` and `/_eddy/url/{id}/...`, which need no DNS: the door, and the path behind it.
    pub fn of_path(path: &str) -> Option<(Door, String)> {
        let api = path.strip_prefix("/_eddy/api/").map(|rest| (Door::Api as fn(String) -> Door, rest));
        let url = path.strip_prefix("/_eddy/url/").map(|rest| (Door::Url as fn(String) -> Door, rest));
        let (door, rest) = api.or(url)?;
        let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        (!id.is_empty()).then(|| (door(id.to_owned()), format!("/{rest}")))
    }

    fn host(&self) -> String {
        match self {
            Door::Api(id) => format!("{id}.execute-api.localhost"),
            Door::Url(id) => format!("{id}.lambda-url.localhost"),
        }
    }
}

/// Asks the function behind a door, and leaves the request's node in the trace.
pub async fn answer<B>(app: &Arc<App>, door: Door, head: Parts, body: B, peer: &Peer) -> Response<Outgoing>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (env, telemetry) = (app.engines.store.env(), &app.engines.telemetry);
    let id = Id::random(env.as_ref());
    let inherited = peer.environment().and_then(|environment| app.engines.functions.activity(environment));
    let cause = inherited.map_or_else(|| Cause::root(id), |activity| activity.cause);
    let (started, begun) = (env.now(), env.monotonic());
    telemetry.began(id, cause);
    let mut label = format!("{} {}", head.method, head.uri.path());
    let Answer { response, trouble, hint } = ask(app, &door, head, body, peer, id, cause, &mut label).await;
    if let Some(hint) = &hint {
        tracing::info!(hint, "a function behind HTTP failed");
    }
    let took = env.monotonic().saturating_sub(begun);
    let node = Node {
        id,
        cause,
        kind: Kind::Request,
        label,
        outcome: response.status().as_u16().to_string(),
        started,
        took_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        subject: None,
        detail: hint.or(trouble),
    };
    telemetry.node(node, Keep::Yes);
    response.map(Outgoing::from)
}

#[expect(clippy::too_many_arguments, reason = "one request's parts, each used once")]
async fn ask<B>(
    app: &Arc<App>,
    door: &Door,
    head: Parts,
    body: B,
    peer: &Peer,
    id: Id,
    cause: Cause,
    label: &mut String,
) -> Answer
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let asked = neutral(app, door, &head, peer, id, cause);
    let plan = match door {
        Door::Api(api) => app.engines.gateway.api(api, asked),
        Door::Url(url) => app.engines.gateway.url(url, asked),
    };
    let call = match plan {
        Plan::Answer(answer) => return answer,
        Plan::Call(call) => call,
    };
    if let Some(route) = call.route_key() {
        route.clone_into(label);
    }
    let mut body = Incoming::new(&head, body);
    let Ok(body) = body.collect(call.body_bytes_max() as u64).await else {
        return call.refuse(Refusal::TooLarge);
    };
    if !call.must_be_signed() {
        return call.run(body, None).await;
    }
    match app.front.caller("lambda", &head, &body) {
        Ok(caller) => call.run(body, Some(&caller)).await,
        Err(_) => call.refuse(Refusal::Forbidden),
    }
}

/// The request without what only led here.
fn neutral(app: &App, door: &Door, head: &Parts, peer: &Peer, id: Id, cause: Cause) -> Head {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let led_by_host = name.contains(".execute-api.") || name.contains(".lambda-url.");
    Head {
        id,
        at: app.engines.store.env().now(),
        cause: cause.below(id),
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
        version: head.version,
        source: peer.address(),
        domain: if led_by_host { name.to_owned() } else { door.host() },
        port: port.parse().unwrap_or_else(|_| app.address.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_found_in_paths() {
        for (path, expected) in [
            ("/_eddy/api/abc/hello", Some((Door::Api("abc".into()), "/hello"))),
            ("/_eddy/api/abc", Some((Door::Api("abc".into()), "/"))),
            ("/_eddy/url/xyz/a/b", Some((Door::Url("xyz".into()), "/a/b"))),
            ("/_eddy/api/", None),
            ("/_eddy/health", None),
        ] {
            let expected = expected.map(|(door, rest)| (door, rest.to_owned()));
            assert_eq!(Door::of_path(path), expected, "{path}");
        }
    }
}
