//! The path from a request to its answer.
//!
//! [`Front::serve`] is one function to read, with no layers: whose is it, who asks, does the head prove it,
//! which operation; then the body, bounded, and what is left of the proof; then decode, validate, authorize,
//! call, encode. An unknown key or a missing signature is refused before a byte of the body is read, unsigned
//! forms for STS and anonymous S3 excepted. Operations that stream read their body themselves, and what was
//! said of it is held at its last read.
//!
//! It listens on nothing and serves no data plane: [`Front::plane`] says which one a request is for, and the
//! binary takes those. Each request is counted, and a node of the trace.

mod call;
mod fault;
pub(crate) mod host;
mod recognise;
pub(crate) mod refusal;
mod unserved;
mod visit;
mod who;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::{Cause, Id, Region};
use eddy_identity::Caller;
use eddy_wire::sign::{self, sha256_hex};
use eddy_wire::{Incoming, Outgoing, Protocol, Routed, decode, encode, inflate, route, schema, validate};
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;

pub use recognise::Plane;
pub(crate) use visit::linger;
pub use who::FormProver;

use crate::operation::{Answer, Failure, Form, Run};
use crate::{Engines, Op, limits, s3, table};
use recognise::{Asked, ServiceAsked};
use visit::Visit;
use who::Who;

/// Are signatures checked?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// As on AWS.
    Enforce,
    /// Everyone is root but functions, which stay what their own credentials say. Loopback only, and said loudly.
    None,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    address: IpAddr,
    /// The environment whose jail the request came out of.
    environment: Option<Id>,
}

impl Peer {
    /// The network.
    pub fn outside(from: SocketAddr) -> Peer {
        Peer { address: from.ip(), environment: None }
    }

    /// The platform socket inside the jail of an environment: what the request does has that invocation as its
    /// cause, whoever's keys it carries.
    pub fn guest(from: SocketAddr, environment: Id) -> Peer {
        Peer { address: from.ip(), environment: Some(environment) }
    }

    pub(crate) fn address(self) -> IpAddr {
        self.address
    }

    /// Are signatures checked of what comes from here? Always, when it comes out of a jail.
    fn auth(self, engines: &Engines) -> Auth {
        if self.environment.is_some() { Auth::Enforce } else { engines.settings.auth }
    }

    /// The cause of a request from here: itself, or the invocation that its jail is busy with.
    pub(crate) fn cause(self, engines: &Engines, request: Id) -> Cause {
        let activity = self.environment.and_then(|environment| engines.functions.activity(environment));
        activity.map_or_else(|| Cause::root(request), |activity| activity.cause)
    }
}

/// Serves the APIs. Cheap to clone.
#[derive(Clone)]
pub struct Front {
    inner: Arc<Inner>,
    /// The host by which calls from inside reach it.
    host: Arc<str>,
}

pub(crate) struct Inner {
    engines: Arc<Engines>,
    keys: sign::Keys,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Front")
    }
}

impl Front {
    pub fn new(engines: Arc<Engines>) -> Front {
        Front {
            inner: Arc::new(Inner { engines, keys: sign::Keys::default() }),
            host: Arc::from("localhost"),
        }
    }

    /// The same for calls from inside as if they came to this host and port: answers have addresses that work there.
    #[must_use]
    pub fn at(self, host: impl Into<Arc<str>>) -> Front {
        Front { host: host.into(), ..self }
    }

    pub fn engines(&self) -> &Arc<Engines> {
        &self.inner.engines
    }

    /// Which plane a request is for. Those other than [`Plane::Service`] are not served here.
    pub fn plane(&self, head: &Parts) -> Plane {
        recognise::plane(head, &self.inner.engines.settings.domains)
    }

    /// Who signed a request of a data plane that asks for IAM (a function URL with AWS_IAM), for `service`, and for
    /// `region` where that counts. Without a signature: [`Caller::Anonymous`].
    ///
    /// # Errors
    /// The refusal of a key or signature, in the words of the JSON protocols. A body that the signature leaves open is
    /// one: these planes hash it.
    pub fn caller(
        &self,
        service: &str,
        region: Option<&Region>,
        head: &Parts,
        body: &[u8],
        peer: Peer,
    ) -> Result<Caller, eddy_wire::Error> {
        let auth = peer.auth(&self.inner.engines);
        let facts = schema::facts().iter().find(|facts| facts.signing_name == service);
        let facts = facts.expect("data planes ask for services that there are");
        let asked = ServiceAsked { facts, protocol: Protocol::RestJson, bucket: None };
        let claim = sign::claim(head).map_err(|why| refusal::of_signature(Protocol::RestJson, why))?;
        if claim.is_none() && auth == Auth::Enforce {
            return Ok(Caller::Anonymous);
        }
        let who = who::who(&self.inner, &asked, head, auth)?;
        if claim.is_some() && region.is_some_and(|region| *region != who.region) {
            return Err(refusal::bad_region(Protocol::RestJson));
        }
        let hash = sha256_hex(body);
        // The signature covers the hash that the head declares, so the body is held against that.
        let declared = claim.as_ref().and_then(|claim| claim.payload.text()).filter(|text| *text != hash);
        if let Some(declared) = declared {
            let refused = sign::Refusal::PayloadHashMalformed(declared.to_owned());
            return Err(refusal::of_signature(Protocol::RestJson, refused));
        }
        who.prove(&self.inner, &asked, head, Some(&hash))?;
        Ok(who.caller)
    }

    /// Answers one request for an API. Never fails: an error is an answer.
    pub async fn serve<B>(&self, request: Request<B>, peer: Peer) -> Response<Outgoing>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let body = Incoming::new(&head, body).impatient(self.inner.engines.store.env());
        let mut visit = Visit::new(self.inner.clone(), head, body, peer);
        let answer = AssertUnwindSafe(self.answer(&mut visit)).catch_unwind().await;
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => visit.refuse(failure),
            Err(_) => visit.refuse_after_panic(),
        };
        visit.finish(response)
    }

    /// The path itself.
    async fn answer(&self, visit: &mut Visit) -> Result<Response<Outgoing>, Failure> {
        let inner = &*self.inner;
        let asked = match recognise::service(&visit.head, &inner.engines.settings.domains) {
            Asked::Service(asked) => asked,
            Asked::Unknown { name, protocol } => {
                return Ok(unserved::service(&name, protocol, &visit.id, &visit.head.method));
            }
            Asked::Google { grpc } => return Ok(unserved::google(grpc)),
        };
        visit.asked = Some(asked.clone());
        if asked.facts.name == "s3" && visit.head.method == Method::OPTIONS {
            return Ok(s3::preflight(&inner.engines.objects, &visit.head, asked.bucket.as_deref())?);
        }
        let who = who::who(inner, &asked, &visit.head, visit.auth())?;
        visit.caller = who.caller.clone();
        let payload = who.payload(asked.protocol, &visit.head)?;
        let chunks = if who.needs_body() { None } else { who.prove(inner, &asked, &visit.head, None)? };
        visit.body.as_mut().expect("the body is there until it is read").hold(
            &visit.head,
            &payload,
            chunks,
        )?;
        if let Some(answer) = form(visit, &asked, &who) {
            return answer.await;
        }
        let service = schema::service(asked.facts.name).expect("facts have their schema");
        let (routed, body) = match asked.protocol {
            Protocol::Query => read_form(visit, &asked, &who, service).await?,
            Protocol::AwsJson10
            | Protocol::AwsJson11
            | Protocol::Cbor
            | Protocol::RestJson
            | Protocol::RestXml => read_body(visit, &asked, &who, service).await?,
        };
        let op = standing(&asked, &routed)?;
        if visit.caller == Caller::Anonymous && asked.facts.name != "s3" && !routed.operation.unsigned {
            return Err(refusal::unsigned(asked.protocol).into());
        }
        if asked.facts.name == "s3" && visit.caller != Caller::Anonymous {
            s3::check_body(routed.operation, &body)?;
        }
        let document = decode(&routed, asked.protocol, &visit.head, body)?;
        // S3 holds nothing against its model: its operations have words of their own for what is wrong.
        if asked.facts.name != "s3" {
            validate(routed.operation, &document)?;
        }
        let cx = visit.cx(&asked, &who);
        let answer = (op.run)(Run { operation: routed.operation, document, cx }).await?;
        Ok(write(routed.operation, asked.protocol, answer, &visit.id, &visit.head.method))
    }
}

/// An upload form of a browser: no operation of the model, and signed inside.
fn form(
    visit: &mut Visit,
    asked: &ServiceAsked,
    who: &Who,
) -> Option<impl Future<Output = Result<Response<Outgoing>, Failure>> + use<>> {
    let kind = visit.head.headers.get(http::header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
    if asked.facts.name != "s3" || visit.head.method != Method::POST || !is_form {
        return None;
    }
    let path = visit.head.uri.path().trim_matches('/');
    let in_path = (!path.is_empty() && !path.contains('/')).then(|| path.to_owned());
    let bucket = asked.bucket.clone().filter(|_| path.is_empty()).or(in_path)?;
    let handler = table::service(asked.facts.name)?.form?;
    visit.operation = "PostObject";
    // Taken first: a form's body is its handler's, and none of its context.
    let body = visit.body.take().expect("nobody has read the body");
    let form = Form {
        cx: visit.cx(asked, who),
        head: visit.head.clone(),
        bucket,
        body,
        prover: FormProver { inner: visit.inner.clone(), auth: visit.auth() },
    };
    Some(async move { Ok(handler(form).await?) })
}

/// A form of awsQuery, which names its operation. Without a signature it is short, or refused unread, and it may not
/// inflate to more than a signed or an unsigned form may be: nobody makes the server hold much for few bytes.
async fn read_form(
    visit: &mut Visit,
    asked: &ServiceAsked,
    who: &Who,
    service: &'static schema::Service,
) -> Result<(Routed, Bytes), Failure> {
    let bytes_max = match who.caller {
        Caller::Anonymous => limits::UNSIGNED_FORM_BYTES_MAX,
        Caller::Root { .. } | Caller::Session(_) | Caller::Service(_) => limits::FORM_BYTES_MAX,
    };
    let body = visit.body.as_mut().expect("nobody has read the body").collect(bytes_max).await?;
    prove_body(&visit.inner, visit, asked, who, &body)?;
    let body = inflate(&visit.head, body, bytes_max)?;
    let routed = route(service, asked.protocol, &visit.head, Some(&body), None)?;
    visit.label(&routed);
    Ok((routed, body))
}

/// The body of a request whose head names the operation. Compressed or not, it is bounded by what that takes.
async fn read_body(
    visit: &mut Visit,
    asked: &ServiceAsked,
    who: &Who,
    service: &'static schema::Service,
) -> Result<(Routed, Bytes), Failure> {
    let routed = route(service, asked.protocol, &visit.head, None, asked.bucket.as_deref())?;
    visit.label(&routed);
    let is_s3 = asked.facts.name == "s3";
    if is_s3 {
        s3::check_address(&routed, &visit.head)?;
    }
    let body = collect(visit, &routed, asked).await?;
    prove_body(&visit.inner, visit, asked, who, &body)?;
    // In S3 the encoding is the object's and stays.
    let body =
        if is_s3 { body } else { inflate(&visit.head, body, standing(asked, &routed)?.body_bytes_max)? };
    Ok((routed, body))
}

/// The body of an operation that is known; left where it is when the operation streams it.
async fn collect(visit: &mut Visit, routed: &Routed, asked: &ServiceAsked) -> Result<Bytes, Failure> {
    let operation = routed.operation;
    let op = standing(asked, routed)?;
    let body = visit.body.as_mut().expect("nobody has read the body");
    // Elsewhere the same headers say something else: in CompleteMultipartUpload, of the object.
    if operation.checksum_required || operation.checksum_algorithm.is_some() {
        body.hold_checksums(&visit.head)?;
    }
    if operation.checksum_required && !body.is_checked() {
        let text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(eddy_wire::Error::new("InvalidRequest", text)
            .with_status(StatusCode::BAD_REQUEST)
            .into());
    }
    if operation.streaming_input().is_some() {
        return Ok(Bytes::new());
    }
    Ok(body.collect(op.body_bytes_max).await?)
}

/// Finishes a proof that waits for the body.
fn prove_body(
    inner: &Inner,
    visit: &Visit,
    asked: &ServiceAsked,
    who: &Who,
    body: &Bytes,
) -> Result<(), Failure> {
    if !who.needs_body() {
        return Ok(());
    }
    if asked.facts.name == "s3" {
        // Its bodies stream, so S3 insists on the hash in the head.
        let text = "Missing required header for this request: x-amz-content-sha256";
        return Err(eddy_wire::Error::new("InvalidRequest", text)
            .with_status(StatusCode::BAD_REQUEST)
            .into());
    }
    who.prove(inner, asked, &visit.head, Some(&sha256_hex(body)))?;
    Ok(())
}

/// The operation in the table, or its refusal by name.
fn standing(asked: &ServiceAsked, routed: &Routed) -> Result<&'static Op, Failure> {
    let service = table::service(asked.facts.name);
    let op = service.and_then(|service| service.operation(routed.operation.name));
    op.ok_or_else(|| unserved::operation(asked.facts, asked.protocol, routed.operation.name).into())
}

fn write(
    operation: &'static schema::Operation,
    protocol: Protocol,
    answer: Answer,
    id: &Id,
    method: &Method,
) -> Response<Outgoing> {
    let Answer { document, status, headers, body, .. } = answer;
    let mut response = encode(operation, protocol, document, &id.to_string()).map(Outgoing::from);
    // The operation's answer did not fit its model or a header: that is told, and nothing of the answer with it.
    if response.status().is_server_error() {
        return response;
    }
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    if let Some(body) = body {
        *response.body_mut() = body;
    }
    if *method == Method::HEAD {
        *response.body_mut() = Outgoing::empty();
    }
    response
}

impl From<eddy_wire::incoming::Error> for Failure {
    fn from(error: eddy_wire::incoming::Error) -> Failure {
        Failure::Fault(error.into())
    }
}
