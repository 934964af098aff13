//! One request on its way: what is known of it so far, for its answer and for the trace.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eddy_base::{Account, Cause, Code, Fault, Id, Scope};
use eddy_identity::Caller;
use eddy_wire::schema::{self, Segment};
use eddy_wire::{Error, Incoming, Outgoing, Protocol, Routed, encode_error};
use http::header::{EXPECT, HeaderValue, SERVER, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, Method, Response};

use super::recognise::ServiceAsked;
use super::who::Who;
use super::{Finished, Inner, Peer, fault, host};
use crate::operation::Failure;
use crate::{Cx, limits, table};

pub(super) struct Visit {
    pub inner: Arc<Inner>,
    pub id: Id,
    pub head: Parts,
    /// Gone once an operation has taken it.
    pub body: Option<Incoming>,
    pub asked: Option<ServiceAsked>,
    pub operation: &'static str,
    pub caller: Caller,
    peer: Peer,
    started: Duration,
    label: String,
}

impl Visit {
    pub(super) fn new(inner: Arc<Inner>, head: Parts, body: Incoming, peer: Peer) -> Visit {
        let env = inner.engines.store.env();
        let (id, started) = (Id::random(env.as_ref()), env.monotonic());
        let caller = Caller::Anonymous;
        let (operation, label) = ("", String::new());
        Visit { inner, id, head, body: Some(body), asked: None, operation, caller, peer, started, label }
    }

    /// The request's own cause, and that of whatever it does.
    fn causes(&self) -> (Cause, Cause) {
        match &self.peer {
            Peer::Jail { cause: Some(cause), .. } => (*cause, cause.below(self.id)),
            Peer::Jail { cause: None, .. } | Peer::Outside(_) => (Cause::root(self.id), Cause::root(self.id)),
        }
    }

    pub(super) fn cx(&mut self, asked: &ServiceAsked, who: &Who) -> Cx {
        let own = || self.inner.engines.identity.account().clone();
        let account: Account = self.caller.account().cloned().unwrap_or_else(own);
        let user_agent = self.head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Cx {
            engines: self.inner.engines.clone(),
            scope: Scope { account, region: who.region.clone() },
            caller: self.caller.clone(),
            request_id: self.id,
            cause: self.causes().1,
            host: host::of(&self.head).into(),
            source_ip: match self.peer {
                Peer::Outside(address) => address,
                Peer::Jail { .. } => IpAddr::V4(Ipv4Addr::LOCALHOST),
            },
            user_agent: user_agent.unwrap_or_default().into(),
            protocol: asked.protocol,
            incoming: Arc::new(Mutex::new(self.body.take())),
            asked: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Notes the operation, and what people will read of it.
    pub(super) fn label(&mut self, routed: &Routed) {
        self.operation = routed.operation.name;
        let service = routed.operation.facts.name;
        self.label = if service == "s3" {
            let (bucket, key) = (routed.label("Bucket"), routed.label("Key"));
            let slash = if key.is_some() { "/" } else { "" };
            let (bucket, key) = (bucket.unwrap_or_default(), key.unwrap_or_default());
            format!("{} {bucket}{slash}{key}", self.head.method)
        } else {
            let labels = routed.operation.http.uri.segments.iter();
            let first = labels.filter_map(|segment| match segment {
                Segment::Label(name) | Segment::Greedy(name) => routed.label(name),
                Segment::Literal(_) => None,
            });
            let first = first.take(1).map(|label| format!(" {label}")).collect::<String>();
            format!("{service} {}{first}", routed.operation.name)
        };
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
        self.linger();
        self.write_error(facts.name, protocol, error)
    }

    pub(super) fn refuse_after_panic(&mut self) -> Response<Outgoing> {
        tracing::error!(id = %self.id, operation = self.operation, "a request's handler panicked");
        let text = "We encountered an internal error. Please try again.";
        let protocol = self.asked.as_ref().map_or(Protocol::RestXml, |asked| asked.protocol);
        let fault = Fault::internal(text).named(fault::usual(protocol, Code::Internal));
        self.refuse(Failure::Fault(fault))
    }

    fn write_error(&self, service: &'static str, protocol: Protocol, error: Error) -> Response<Outgoing> {
        let service = schema::service(service).expect("facts have their schema");
        let head = self.head.method == Method::HEAD;
        let error =
            if protocol == Protocol::RestXml && !error.fields.iter().any(|(name, _)| name == "Resource") {
                error.with("Resource", self.head.uri.path())
            } else {
                error
            };
        encode_error(service, protocol, &error, &self.id.to_string(), head).map(Outgoing::from)
    }

    /// Takes in what the client is still sending, so that it reads its answer instead of finding the
    /// connection reset. A client that waits for leave to send has sent nothing.
    fn linger(&mut self) {
        let Some(body) = self.body.take() else { return };
        let waits = self.head.headers.contains_key(EXPECT);
        if waits || body.length().is_none_or(|length| length == 0 || length > limits::LINGER_BYTES_MAX) {
            return;
        }
        let env = self.inner.engines.store.env().clone();
        let timer = env.clone();
        let task = Box::pin(async move {
            let drained = body.drain(limits::LINGER_BYTES_MAX);
            // Whether it ended or was given up makes no difference any more.
            let _ = eddy_base::env::timeout(&timer, limits::LINGER, drained).await;
        });
        env.spawn("linger", task).detach();
    }

    /// Adds what every answer has, and tells who listens.
    pub(super) fn finish(self, mut response: Response<Outgoing>) -> Response<Outgoing> {
        let id = HeaderValue::from_str(&self.id.to_string()).expect("an id is plain ASCII");
        let is_s3 = self.asked.as_ref().is_some_and(|asked| asked.protocol == Protocol::RestXml);
        let headers = response.headers_mut();
        if is_s3 {
            headers.insert(HeaderName::from_static("x-amz-request-id"), id.clone());
            headers.insert(HeaderName::from_static("x-amz-id-2"), id);
        } else {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
        }
        headers.insert(SERVER, HeaderValue::from_static("eddy"));
        let finished = Finished {
            id: self.id,
            cause: self.causes().0,
            service: self.asked.as_ref().map_or("", |asked| asked.facts.name),
            operation: self.operation,
            label: self.label,
            status: response.status(),
            took: self.inner.engines.store.env().monotonic().saturating_sub(self.started),
            caller: self.caller,
        };
        (self.inner.on_finished)(finished);
        response
    }
}
