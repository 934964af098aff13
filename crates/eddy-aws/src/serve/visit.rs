//! One request on its way: what is known of it so far, for its answer and for the trace.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eddy_base::{Account, Cause, Code, Fault, Id, Scope, Timestamp};
use eddy_identity::Caller;
use eddy_telemetry::{Keep, Kind, Node, Outcome};
use eddy_wire::schema::{self, Segment};
use eddy_wire::{Error, Incoming, Outgoing, Protocol, Routed, encode_error};
use http::header::{CONNECTION, EXPECT, HeaderValue, SERVER, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode, Version};

use super::recognise::ServiceAsked;
use super::who::Who;
use super::{Auth, Inner, Peer, fault, host};
use crate::operation::Failure;
use crate::{Cx, Engines, limits, s3, table};

pub(super) struct Visit {
    pub inner: Arc<Inner>,
    pub id: Id,
    pub head: Parts,
    /// Gone once an operation may take it.
    pub body: Option<Incoming>,
    /// Then it is here, until the operation does, and again when that leaves it unread.
    left: Arc<Mutex<Option<Incoming>>>,
    pub asked: Option<ServiceAsked>,
    pub operation: &'static str,
    pub caller: Caller,
    peer: Peer,
    /// The request's own cause: itself for one from outside, its invocation for one out of a jail.
    cause: Cause,
    began: Timestamp,
    started: Duration,
    label: String,
    /// `BUCKET/KEY`, where the request is about one.
    subject: Option<String>,
    /// The code of the error that it ends with.
    error: Option<String>,
}

impl Visit {
    pub(super) fn new(inner: Arc<Inner>, head: Parts, body: Incoming, peer: Peer) -> Visit {
        let engines = &inner.engines;
        let env = engines.store.env();
        let (id, began, started) = (Id::random(env.as_ref()), env.now(), env.monotonic());
        let cause = peer.cause(engines, id);
        engines.telemetry.began(id, cause);
        Visit {
            inner,
            id,
            head,
            body: Some(body),
            left: Arc::default(),
            asked: None,
            operation: "",
            caller: Caller::Anonymous,
            peer,
            cause,
            began,
            started,
            label: String::new(),
            subject: None,
            error: None,
        }
    }

    /// The cause of whatever this request does.
    fn effect(&self) -> Cause {
        if self.is_root() { self.cause } else { self.cause.below(self.id) }
    }

    /// Are signatures checked of this request?
    pub(super) fn auth(&self) -> Auth {
        self.peer.auth(&self.inner.engines)
    }

    fn is_root(&self) -> bool {
        self.cause.root == self.id
    }

    pub(super) fn cx(&mut self, asked: &ServiceAsked, who: &Who) -> Cx {
        let own = || self.inner.engines.identity.account().clone();
        let account: Account = self.caller.account().cloned().unwrap_or_else(own);
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
        let user_agent = self.head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Cx {
            engines: self.inner.engines.clone(),
            scope: Scope { account, region: who.region.clone() },
            caller: self.caller.clone(),
            request_id: self.id,
            cause: self.effect(),
            host: host::of(&self.head).into(),
            source_ip: self.peer.address(),
            user_agent: user_agent.unwrap_or_default().into(),
            protocol: asked.protocol,
            incoming: self.left.clone(),
            asked: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Notes the operation, and what people will read of it.
    pub(super) fn label(&mut self, routed: &Routed) {
        self.operation = routed.operation.name;
        let service = routed.operation.facts.name;
        let label = if service == "s3" {
            let (bucket, key) = (routed.label("Bucket"), routed.label("Key"));
            let slash = if key.is_some() { "/" } else { "" };
            let thing = format!("{}{slash}{}", bucket.unwrap_or_default(), key.unwrap_or_default());
            self.subject = key.map(|_| thing.clone());
            format!("{} {thing}", self.head.method)
        } else {
            let labels = routed.operation.http.uri.segments.iter();
            let first = labels.filter_map(|segment| match segment {
                Segment::Label(name) | Segment::Greedy(name) => routed.label(name),
                Segment::Literal(_) => None,
            });
            let first = first.take(1).map(|label| format!(" {label}")).collect::<String>();
            format!("{service} {}{first}", routed.operation.name)
        };
        self.label = shown(&label);
    }

    /// The answer to a request that is not served.
    pub(super) fn refuse(&mut self, failure: Failure) -> Response<Outgoing> {
        let Some(ServiceAsked { facts, protocol, .. }) = self.asked.clone() else {
            // Recognising fails for nothing, so a failure has its service.
            return self.write_error("s3", Protocol::RestXml, Error::new("InternalError", "internal error"));
        };
        let error = match failure {
            Failure::Wire(error) => error,
            Failure::Fault(fault) => fault::worded(table::service(facts.name), facts, protocol, fault),
        };
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        let body = self.body.take().or(left);
        let goes_on = body.is_none_or(|body| linger(&self.inner.engines, &self.head, body));
        let mut response = self.write_error(facts.name, protocol, error);
        if !goes_on && self.head.version == Version::HTTP_11 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    pub(super) fn refuse_after_panic(&mut self) -> Response<Outgoing> {
        tracing::error!(id = %self.id, operation = self.operation, "a request's handler panicked");
        let text = "We encountered an internal error. Please try again.";
        let protocol = self.asked.as_ref().map_or(Protocol::RestXml, |asked| asked.protocol);
        let fault = Fault::internal(text).named(fault::usual(protocol, Code::Internal));
        self.refuse(Failure::Fault(fault))
    }

    fn write_error(&mut self, service: &'static str, protocol: Protocol, error: Error) -> Response<Outgoing> {
        let service = schema::service(service).expect("facts have their schema");
        let head = self.head.method == Method::HEAD;
        let error = if error.code == "MethodNotAllowed" && protocol == Protocol::RestXml {
            error.with("Method", self.head.method.as_str()).with("ResourceType", self.resource_type())
        } else {
            error
        };
        encode_error(service, protocol, &error, &self.id.to_string(), head).map(Outgoing::from)
    }

    /// What of S3 the request's address names.
    fn resource_type(&self) -> &'static str {
        let in_host = self.asked.as_ref().is_some_and(|asked| asked.bucket.is_some());
        let path = self.head.uri.path().trim_start_matches('/');
        let key = if in_host { Some(path) } else { path.split_once('/').map(|(_, key)| key) };
        match key {
            Some(key) if !key.is_empty() => "OBJECT",
            None if path.is_empty() => "SERVICE",
            Some(_) | None => "BUCKET",
        }
    }

    /// Adds what every answer has, counts, and leaves the request's node in the trace.
    pub(super) fn finish(mut self, mut response: Response<Outgoing>) -> Response<Outgoing> {
        let id = HeaderValue::from_str(&self.id.to_string()).expect("an id is plain ASCII");
        let s3 = self.asked.as_ref().filter(|asked| asked.protocol == Protocol::RestXml);
        let headers = response.headers_mut();
        if let Some(asked) = s3 {
            let objects = &self.inner.engines.objects;
            headers.extend(s3::cross_origin(objects, &self.head, asked.bucket.as_deref()));
            headers.insert(HeaderName::from_static("x-amz-request-id"), id.clone());
            headers.insert(HeaderName::from_static("x-amz-id-2"), id);
        } else {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
        }
        headers.insert(SERVER, HeaderValue::from_static("eddy"));
        self.record(response.status());
        response
    }

    fn record(&mut self, status: StatusCode) {
        let telemetry = &self.inner.engines.telemetry;
        let took = self.inner.engines.store.env().monotonic().saturating_sub(self.started);
        let outcome = match status.as_u16() {
            ..400 => Outcome::Ok,
            400..500 => Outcome::ClientError,
            500.. => Outcome::ServerError,
        };
        let service = self.asked.as_ref().map_or("", |asked| asked.facts.name);
        telemetry.metrics().request(service, self.operation, outcome, took);
        let changed = outcome == Outcome::Ok && !is_read(self.operation);
        let keep = if changed || !self.is_root() { Keep::Yes } else { Keep::No };
        if self.label.is_empty() {
            self.label = shown(&format!("{} {}", self.head.method, self.head.uri.path()));
        }
        let node = Node {
            id: self.id,
            cause: self.cause,
            kind: Kind::Request,
            label: std::mem::take(&mut self.label),
            outcome: status.as_str().to_owned(),
            started: self.began,
            took_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            subject: self.subject.take(),
            detail: self.error.take(),
        };
        telemetry.node(node, keep);
    }
}

/// As people read it in a terminal, which keys of objects and paths must not steer.
fn shown(label: &str) -> String {
    label.replace(char::is_control, "?")
}

/// Takes in what the client is still sending, so that it reads its answer instead of finding the connection reset.
/// False: it cannot be waited for, since it is too much, or comes no more, or the client waits for leave to send; then
/// the connection ends with the answer.
pub(crate) fn linger(engines: &Engines, head: &Parts, body: Incoming) -> bool {
    if body.is_over() {
        return true;
    }
    if body.is_silent() {
        return false;
    }
    let waits = head.headers.contains_key(EXPECT) && !body.is_begun();
    if waits || body.length().is_none_or(|length| length > limits::LINGER_BYTES_MAX) {
        return false;
    }
    let env = engines.store.env().clone();
    let timer = env.clone();
    let task = Box::pin(async move {
        let drained = body.drain(limits::LINGER_BYTES_MAX);
        // Whether it ended or was given up makes no difference any more.
        let _ = eddy_base::env::timeout(&timer, limits::LINGER, drained).await;
    });
    env.spawn("linger", task).detach();
    true
}

/// Amazon's names say whether an operation only reads.
fn is_read(operation: &str) -> bool {
    ["Get", "List", "Describe", "Head", "Filter"].iter().any(|verb| operation.starts_with(verb))
        || operation.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_steers_no_terminal() {
        // U+009B starts a command of a terminal, and its two bytes of UTF-8 may stand in a path as they are.
        assert_eq!(shown("/\u{9b}2J\u{7f}é"), "/?2J?é");
    }
}
