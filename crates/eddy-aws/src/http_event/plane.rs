//! The data plane: requests to HTTP APIs and function URLs, from the socket to the gateway and back.
//!
//! An API or URL is asked by its host (`ID.execute-api.localhost`, `ID.lambda-url.localhost`) or, without DNS, by
//! a path (`/_eddy/api/ID/...`, `/_eddy/url/ID/...`). A body is read only for a request that a function will see.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use eddy_base::{Cause, Id, Timestamp};
use eddy_gateway::{Answer, Call, Head, Plan, Refusal};
use eddy_identity::Caller;
use eddy_telemetry::{Keep, Kind, Node, Outcome};
use eddy_wire::{Incoming, Outgoing};
use futures_util::FutureExt as _;
use http::header::{HeaderValue, SERVER};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;

use super::headers;
use crate::Engines;
use crate::serve::{Front, Peer, Plane, host, linger};

/// Which API or URL a request asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    pub front: eddy_gateway::Front,
    pub id: String,
    /// The path below it, as sent.
    path: String,
    /// Its host name; none when it is asked by path.
    domain: Option<String>,
}

const API_PREFIX: &str = "/_eddy/api/";
const URL_PREFIX: &str = "/_eddy/url/";

/// The API or URL that a request asks, if it asks one.
pub fn door(front: &Front, head: &Parts) -> Option<Door> {
    let name = || without_port(host::of(head)).0.to_ascii_lowercase();
    let path = || Some(head.uri.path()).filter(|path| path.starts_with('/')).unwrap_or("/").to_owned();
    match front.plane(head) {
        Plane::Api { api, .. } => {
            Some(Door { front: eddy_gateway::Front::Api, id: api, path: path(), domain: Some(name()) })
        }
        Plane::FunctionUrl { id, .. } => {
            Some(Door { front: eddy_gateway::Front::Url, id, path: path(), domain: Some(name()) })
        }
        Plane::House => by_path(head.uri.path()),
        Plane::Service => None,
    }
}

fn by_path(path: &str) -> Option<Door> {
    let (front, rest) = match (path.strip_prefix(API_PREFIX), path.strip_prefix(URL_PREFIX)) {
        (Some(rest), _) => (eddy_gateway::Front::Api, rest),
        (None, Some(rest)) => (eddy_gateway::Front::Url, rest),
        (None, None) => return None,
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (id, below) = rest.split_at(end);
    let path = if below.is_empty() { "/" } else { below }.to_owned();
    (!id.is_empty()).then(|| Door { front, id: id.to_owned(), path, domain: None })
}

/// Answers a request for an API or a URL. Never fails: an error is an answer.
pub async fn serve<B>(front: &Front, door: Door, request: Request<B>, peer: Peer) -> Response<Outgoing>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let engines = front.engines();
    let (head, body) = request.into_parts();
    let body = Incoming::new(&head, body).impatient(engines.store.env());
    let exchange = Exchange::begin(engines, peer);
    let asked = exchange.head(engines, &door, &head, peer);
    let plan = match door.front {
        eddy_gateway::Front::Api => engines.gateway.api(&door.id, asked),
        eddy_gateway::Front::Url => engines.gateway.url(&door.id, asked),
    };
    let called = matches!(plan, Plan::Call(_));
    let answer = match plan {
        Plan::Answer(answer) => {
            linger(engines, &head, body);
            answer
        }
        Plan::Call(call) => {
            let called = AssertUnwindSafe(run(front, &head, body, *call, peer)).catch_unwind();
            called.await.unwrap_or_else(|_| {
                tracing::error!(id = %exchange.id, "a request's handler panicked");
                let response = (engines.gateway.dialect().refusal)(door.front, Refusal::Failed);
                Answer { response, trouble: Some("internal error".to_owned()), hint: None }
            })
        }
    };
    exchange.finish(engines, &head, &door, answer, called)
}

/// Reads the body, finds out who signed where that is asked, and calls the function.
async fn run(front: &Front, head: &Parts, mut body: Incoming, call: Call, peer: Peer) -> Answer {
    let bytes = match body.collect(call.body_bytes_max() as u64).await {
        Ok(bytes) => bytes,
        Err(eddy_wire::incoming::Error::TooLarge { .. }) => {
            linger(front.engines(), head, body);
            return call.refuse(Refusal::TooLarge);
        }
        Err(_) => return call.refuse(Refusal::Malformed),
    };
    if !call.must_be_signed() {
        return call.run(bytes, None).await;
    }
    match front.caller("lambda", Some(call.region()), head, &bytes, peer) {
        Ok(Caller::Anonymous) => call.run(bytes, None).await,
        Ok(caller) => call.run(bytes, Some(&caller)).await,
        Err(why) => Answer { trouble: Some(why.message), ..call.refuse(Refusal::Forbidden) },
    }
}

/// One request on its way, for the trace.
struct Exchange {
    id: Id,
    cause: Cause,
    began: Timestamp,
    started: std::time::Duration,
}

impl Exchange {
    fn begin(engines: &Engines, peer: Peer) -> Exchange {
        let env = engines.store.env();
        let id = Id::random(env.as_ref());
        let cause = peer.cause(engines, id);
        engines.telemetry.began(id, cause);
        Exchange { id, cause, began: env.now(), started: env.monotonic() }
    }

    fn head(&self, engines: &Engines, door: &Door, head: &Parts, peer: Peer) -> Head {
        let port = without_port(host::of(head)).1;
        let word = match door.front {
            eddy_gateway::Front::Api => "execute-api",
            eddy_gateway::Front::Url => "lambda-url",
        };
        let base = engines.settings.domains.first().map_or("localhost", String::as_str);
        Head {
            id: self.id,
            at: self.began,
            cause: self.cause,
            method: head.method.clone(),
            path: door.path.clone(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.clone(),
            trace: headers::trace(&head.headers, self.id, self.began),
            version: head.version,
            source: peer.address(),
            domain: door.domain.clone().unwrap_or_else(|| format!("{}.{word}.{base}", door.id)),
            port: port.unwrap_or(80),
        }
    }

    /// Counts, leaves the request's node in the trace, and gives back what goes to the client.
    fn finish(
        self,
        engines: &Engines,
        head: &Parts,
        door: &Door,
        answer: Answer,
        called: bool,
    ) -> Response<Outgoing> {
        let Answer { response, trouble, hint } = answer;
        let status = response.status();
        let outcome = match status.as_u16() {
            ..400 => Outcome::Ok,
            400..500 => Outcome::ClientError,
            500.. => Outcome::ServerError,
        };
        let service = match door.front {
            eddy_gateway::Front::Api => "execute-api",
            eddy_gateway::Front::Url => "lambda-url",
        };
        let took = engines.store.env().monotonic().saturating_sub(self.started);
        engines.telemetry.metrics().request(service, "", outcome, took);
        let label = format!("{} {}", head.method, door.path).replace(char::is_control, "?");
        let node = Node {
            id: self.id,
            cause: self.cause,
            kind: Kind::Request,
            label,
            outcome: status.as_str().to_owned(),
            started: self.began,
            took_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            subject: None,
            detail: hint.or(trouble),
        };
        engines.telemetry.node(node, if called { Keep::Yes } else { Keep::No });
        let mut response = response.map(Outgoing::from);
        response.headers_mut().entry(SERVER).or_insert(HeaderValue::from_static("eddy"));
        response
    }
}

/// The name and the port of `name:port`.
fn without_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, port.parse().ok())
        }
        Some(_) | None => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_by_path() {
        let api = eddy_gateway::Front::Api;
        let url = eddy_gateway::Front::Url;
        for (path, expected) in [
            ("/_eddy/api/abc/x/y", Some((api, "abc", "/x/y"))),
            ("/_eddy/api/abc/", Some((api, "abc", "/"))),
            ("/_eddy/api/abc", Some((api, "abc", "/"))),
            ("/_eddy/url/u/a%20b", Some((url, "u", "/a%20b"))),
            ("/_eddy/api/", None),
            ("/_eddy/api//x", None),
            ("/_eddy/health", None),
            ("/x", None),
        ] {
            let door = by_path(path);
            let found = door.as_ref().map(|door| (door.front, door.id.as_str(), door.path.as_str()));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(without_port("a.localhost:4566"), ("a.localhost", Some(4566)));
        assert_eq!(without_port("a.localhost"), ("a.localhost", None));
        assert_eq!(without_port("[::1]"), ("[::1]", None));
    }
}
