//! What an operation is, and how the table holds all of them alike.

use std::future::Future;
use std::pin::Pin;

use eddy_base::{Code, Fault, Subject};
use eddy_store::Pos;
use eddy_wire::schema;
use eddy_wire::{Document, Incoming, Outgoing, check_fields, from_document, lacking_members, to_document};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::needs::Kind;
use crate::serve::refusal;
use crate::{Cx, Needs, Reply, limits};

/// One operation of a service: its input, what it needs, and what it does.
///
/// The fields of the struct are members of the model's input, found without regard to case and underscores.
/// A member that the struct lacks is accepted only where its value asks for nothing; otherwise the request is
/// refused by the member's name.
pub trait Operation: DeserializeOwned + Send + Sized + 'static {
    /// The operation's name in the model.
    const NAME: &'static str;

    /// The longest body, where the input does not stream.
    const BODY_BYTES_MAX: u64 = limits::BODY_BYTES_MAX;

    /// The output, by the names of the model; `()` where it has none.
    type Output: Serialize + Send + 'static;

    /// What the caller must be allowed to do.
    fn needs(&self, cx: &Cx) -> Needs;

    /// Refuses what can be refused by looking at the input alone, for whoever must know before anything changes.
    /// What it refuses [`Operation::call`] refuses too.
    fn check(&self, _: &Cx) -> impl Future<Output = Result<(), Fault>> + Send {
        std::future::ready(Ok(()))
    }

    /// Does it.
    fn call(self, cx: Cx) -> impl Future<Output = Result<Reply<Self::Output>, Fault>> + Send;
}

/// An operation as the table holds it.
#[derive(Clone, Copy)]
pub struct Op {
    pub name: &'static str,
    pub body_bytes_max: u64,
    pub(crate) run: fn(Run) -> Running,
    pub(crate) rehearse: fn(Run) -> Rehearsing,
    /// Fields of the input's struct that the model lacks. For tests.
    pub check: fn(&schema::Operation) -> Vec<&'static str>,
    /// Members of the model's input that the struct lacks. For the coverage page.
    pub lacks: fn(&schema::Operation) -> Vec<&'static str>,
}

/// A service: its name, its operations, and what its errors are called.
pub struct Service {
    /// The name of its schema: `s3`, `lambda`, `apigatewayv2`.
    pub name: &'static str,
    pub operations: &'static [Op],
    /// The error, by its name in the model or a common one, for what a [`Fault`] says that has no name itself.
    /// Not asked for what eddy does not support: the schema has the name for that.
    pub errors: fn(Code, Subject) -> &'static str,
    /// What a browser's upload form does, where the service takes one (S3).
    pub form: Option<fn(Form) -> Formed>,
}

/// An upload form: no operation of the model, and signed inside.
pub struct Form {
    pub cx: Cx,
    pub head: http::request::Parts,
    /// The bucket, from host or path.
    pub bucket: String,
    pub body: Incoming,
    /// Proves what the form's fields say about who filled it in.
    pub prover: crate::serve::FormProver,
}

pub type Formed = Pin<Box<dyn Future<Output = Result<Response<Outgoing>, Fault>> + Send>>;

/// What one run of an operation starts from.
pub(crate) struct Run {
    pub operation: &'static schema::Operation,
    pub document: Document,
    pub cx: Cx,
}

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

pub(crate) type Rehearsing = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// What an operation answered, ready to be encoded.
#[derive(Debug)]
pub struct Answer {
    pub document: Document,
    pub pos: Pos,
    pub status: Option<StatusCode>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Option<Outgoing>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// In words of the wire already.
    Wire(eddy_wire::Error),
    /// To be worded by the service.
    Fault(Fault),
}

impl From<eddy_wire::Error> for Failure {
    fn from(error: eddy_wire::Error) -> Failure {
        Failure::Wire(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The row of an operation in its service's table.
pub const fn op<O: Operation>() -> Op {
    Op {
        name: O::NAME,
        body_bytes_max: O::BODY_BYTES_MAX,
        run: run::<O>,
        rehearse: rehearse::<O>,
        check: check_fields::<O>,
        lacks: lacking_members::<O>,
    }
}

fn run<O: Operation>(run: Run) -> Running {
    Box::pin(async move {
        let Run { operation, document, cx } = run;
        let input: O = from_document(operation, document)?;
        let later = authorize(&input.needs(&cx), &cx)?;
        let reply = input.call(cx.clone()).await?;
        if later && !cx.was_asked() {
            tracing::error!(operation = O::NAME, "answered without having asked whether its caller may");
            return Err(Fault::internal("the operation did not check who may call it").into());
        }
        Ok(Answer {
            document: to_document(operation, &reply.output)?,
            pos: reply.pos,
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
        })
    })
}

/// As [`run`] up to where anything would be asked of an engine.
fn rehearse<O: Operation>(run: Run) -> Rehearsing {
    Box::pin(async move {
        let Run { operation, document, cx } = run;
        let input: O = from_document(operation, document)?;
        Ok(input.check(&cx).await?)
    })
}

/// Holds the caller against the needs. True: the operation still has to ask.
fn authorize(needs: &Needs, cx: &Cx) -> Result<bool, Failure> {
    match &needs.0 {
        Kind::Later => return Ok(true),
        Kind::Nothing if cx.caller == eddy_identity::Caller::Anonymous => {
            return Err(refusal::unsigned(cx.protocol).into());
        }
        Kind::Nothing => {}
        Kind::All(needs) => {
            for need in needs {
                cx.allow(need.action, &need.resource, None)?;
            }
        }
    }
    Ok(false)
}
