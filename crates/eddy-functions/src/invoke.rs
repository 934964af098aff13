//! One invocation: find an environment, hand the event over, tell the log, answer.
//!
//! Nothing here waits for a commit. What is logged and traced goes through the store's `record`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Cause, Code, Fault, Id, Scope, Subject, Timestamp};
use eddy_runtime::{Event, Failure, Usage};
use eddy_store::Pos;
use eddy_telemetry::{Keep, Kind as NodeKind, Node};

use crate::directory::Known;
use crate::environment::{Activity, Initialized};
use crate::error::Error;
use crate::function::{Hash, LATEST};
use crate::lease::Lease;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::output::Output;
use crate::pool::NoEnvironment;
use crate::report::Figures;
use crate::steadfast::Steadfast;
use crate::{Functions, Shared};

/// An invocation that is asked for.
#[derive(Debug, Clone)]
pub struct Invoke {
    pub scope: Scope,
    pub name: String,
    /// The version or alias, when the caller names one.
    pub qualifier: Option<String>,
    pub payload: Bytes,
    /// JSON from the caller for the handler's context.
    pub client_context: Option<String>,
    /// The trace header that came with the request.
    pub trace: Option<String>,
    /// Why it is invoked.
    pub cause: Cause,
    /// What the function sees as its request id.
    pub request_id: Id,
    /// Whether the end of the log is wanted.
    pub tail: bool,
    /// How long the caller waits. The function runs on when the caller gives up.
    pub by: Option<Duration>,
}

/// An invocation that took place, whether the function succeeded or not.
#[derive(Debug, Clone)]
pub struct Invoked {
    /// What the function returned, or the document of its error.
    pub payload: Bytes,
    pub error: Option<FunctionError>,
    /// The end of the log, if it was asked for.
    pub log_tail: Option<Bytes>,
    pub executed_version: &'static str,
    /// Of the initialization, when it took place for this invocation.
    pub init: Option<Duration>,
    pub duration: Duration,
    /// The position of the function's row that it ran by.
    pub pos: Pos,
    /// The invocation's own id: its node in the trace.
    pub invocation: Id,
    /// The package that ran.
    pub code_hash: Hash,
}

/// How a function failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Whether the function's own code raised it. Otherwise the platform ended it.
    pub raised: bool,
    pub error_type: String,
    pub message: String,
    /// The stack, as far as the function told it.
    pub trace: Option<String>,
}

/// An invocation on its way.
struct Call {
    known: Arc<Known>,
    invoke: Invoke,
    /// Its node in the trace.
    invocation: Id,
    /// When it was asked for.
    started: Timestamp,
    /// Spent waiting for an environment.
    queued: Duration,
}

/// What the environment made of it.
struct Outcome {
    result: Result<Bytes, Failure>,
    duration: Duration,
    /// Of the environment, when this was its first invocation.
    init: Option<Initialized>,
    usage: Usage,
}

impl Functions {
    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// `Missing` about the function or its version; `TooLarge` about the payload; `Throttled` when too many wait
    /// for an environment or it took too long to get one; `TimedOut` after `by`; `Unavailable` and `Internal`
    /// when the environment could not be had. That the function failed is no error here: see [`Invoked::error`].
    pub async fn invoke(&self, invoke: Invoke) -> Result<Invoked, Fault> {
        let Some(by) = invoke.by else { return self.shared.invoke(invoke).await };
        let late = |_| Fault::new(Code::TimedOut, Subject::Function, "no answer in time");
        eddy_base::env::timeout(self.shared.env(), by, self.shared.invoke(invoke)).await.map_err(late)?
    }
}

impl Shared {
    async fn invoke(self: &Arc<Shared>, invoke: Invoke) -> Result<Invoked, Fault> {
        let known = self.known(&invoke.scope, &invoke.name)?;
        check_version(&invoke.name, invoke.qualifier.as_deref())?;
        if invoke.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Error::PayloadTooLarge { limit: PAYLOAD_BYTES_MAX }.into());
        }
        let invocation = Id::random(&**self.env());
        self.telemetry.began(invocation, invoke.cause);
        let (started, asked) = (self.env().now(), self.env().monotonic());
        let acquired = self.acquire(&known, invoke.payload.len(), invoke.cause).await;
        let queued = self.env().monotonic().saturating_sub(asked);
        let mut call = Call { known, invoke, invocation, started, queued };
        match acquired {
            // The function runs to its end even if the caller goes away in the middle.
            Ok(lease) => Steadfast::new(self, Arc::clone(self).run(call, lease)).await,
            Err(NoEnvironment::Fault(fault)) => {
                if fault.code == Code::Throttled {
                    self.telemetry.metrics().throttle(&call.invoke.name);
                }
                Err(fault)
            }
            Err(NoEnvironment::Failed { failure, took, usage, output }) => {
                // The wait was that of the start, which is told for itself.
                call.queued = Duration::ZERO;
                let outcome = Outcome { result: Err(failure), duration: took, init: None, usage };
                self.tell_of_failed_start(&call, outcome, &output)
            }
        }
    }

    async fn run(self: Arc<Shared>, call: Call, mut lease: Lease) -> Result<Invoked, Fault> {
        let now = self.env().now();
        let environment = lease.environment();
        let output = Arc::clone(&environment.output);
        let init = environment.init.take();
        let within = match init {
            Some(Initialized::Second(took)) => call.within().saturating_sub(took),
            Some(Initialized::First(_)) | None => call.within(),
        };
        let Invoke { request_id, tail, cause, .. } = call.invoke;
        environment
            .presence
            .begins(Activity { function: call.known.pool.name.clone(), cause: cause.below(call.invocation) });
        environment.frozen = false;
        output.begin(now, request_id, output.form.start(now, request_id, LATEST), tail);
        let event = Event {
            request: request_id,
            payload: call.invoke.payload.clone(),
            deadline: now.plus(within),
            function_arn: (self.dialect.arn)(
                &call.invoke.scope,
                &call.invoke.name,
                call.invoke.qualifier.as_deref(),
            ),
            trace: Some(call.trace_header(now)),
            client_context: call.invoke.client_context.clone(),
            identity: None,
            tenant: None,
        };
        let invoked = environment.guest.invoke(event, within).await;
        let fit = !invoked.result.as_ref().is_err_and(Failure::ends_guest);
        let result = invoked.result.map(|reply| reply.payload);
        let outcome = Outcome { result, duration: invoked.duration, init, usage: invoked.usage };
        let told = self.tell(&call, outcome, &output);
        lease.give_back(fit);
        told
    }

    /// Writes the end of the log and the trace, and makes the answer.
    fn tell(&self, call: &Call, outcome: Outcome, output: &Output) -> Result<Invoked, Fault> {
        let Outcome { result, duration, init, usage } = outcome;
        let now = self.env().now();
        let failure = result.as_ref().err();
        let cold = init.is_some();
        // A start is part of the wait that it ended, and is told for itself.
        let queued = if cold || call.queued < QUEUED_MIN { Duration::ZERO } else { call.queued };
        let memory_mb_max = call.known.function.settings.memory_mb;
        let (init, duration) = match init {
            Some(Initialized::First(took)) => (Some(took), duration),
            Some(Initialized::Second(took)) => (None, duration + took),
            None => (None, duration),
        };
        // What it took to notice is not the function's.
        let duration = duration.min(call.within());
        let figures = Figures { duration, init, queued, memory_mb_max, usage };
        let request = call.invoke.request_id;
        let lines = output.form.end(now, request, &figures, failure, call.within());
        let log_tail = output.end(now, lines);
        self.trace(call, &figures, cold, failure);
        let (payload, error) = match result {
            Ok(payload) => (payload, None),
            Err(Failure::Host(error)) => {
                tracing::error!(%error, function = call.invoke.name, "an environment failed at work");
                return Err(error.into());
            }
            Err(failure) => (
                failure.payload(&request.to_string(), call.within()),
                Some(explained(&failure, call.within())),
            ),
        };
        Ok(Invoked {
            payload,
            error,
            log_tail,
            executed_version: LATEST,
            init,
            duration,
            pos: call.known.pos,
            invocation: call.invocation,
            code_hash: call.known.function.code.hash,
        })
    }

    /// The invocation that a failed start was for: nothing ran, and the log says so in the usual form.
    fn tell_of_failed_start(&self, call: &Call, outcome: Outcome, output: &Output) -> Result<Invoked, Fault> {
        let request = call.invoke.request_id;
        let now = self.env().now();
        output.begin(now, request, output.form.start(now, request, LATEST), call.invoke.tail);
        self.tell(call, outcome, output)
    }

    fn trace(&self, call: &Call, figures: &Figures, cold: bool, failure: Option<&Failure>) {
        let name = &call.invoke.name;
        self.telemetry.metrics().invocation(name, figures.duration, cold, failure.is_some());
        let message = failure.map(|failure| told(failure, call.within()));
        let node = Node {
            id: call.invocation,
            cause: call.invoke.cause,
            kind: NodeKind::Invocation,
            label: name.clone(),
            outcome: failure.map_or("ok", Failure::error_type).to_owned(),
            started: call.started,
            took_micros: u64::try_from(figures.duration.as_micros()).unwrap_or(u64::MAX),
            subject: None,
            detail: message.or_else(|| cold.then(|| "cold".to_owned())),
        };
        self.telemetry.node(node, Keep::Yes);
    }
}

/// A wait below this is not a wait.
const QUEUED_MIN: Duration = Duration::from_micros(100);

impl Call {
    fn trace_header(&self, now: Timestamp) -> String {
        let Invoke { trace, cause, .. } = &self.invoke;
        eddy_runtime::trace_header(trace.as_deref(), now, cause.root, self.invocation)
    }

    fn within(&self) -> Duration {
        Duration::from_secs(self.known.function.settings.timeout_seconds.into())
    }
}

/// Every function has one version.
pub(crate) fn check_version(name: &str, qualifier: Option<&str>) -> Result<(), Error> {
    match qualifier {
        None | Some(LATEST) => Ok(()),
        Some(version) => Err(Error::NoVersion { name: name.to_owned(), version: version.to_owned() }),
    }
}

fn explained(failure: &Failure, within: Duration) -> FunctionError {
    let (raised, trace) = match failure {
        Failure::Function { payload, .. } | Failure::Init { payload, .. } => (true, stack(payload)),
        Failure::Timeout
        | Failure::OutOfMemory
        | Failure::Exit { .. }
        | Failure::Entrypoint { .. }
        | Failure::ResponseTooLarge { .. }
        | Failure::Truncated
        | Failure::Host(_) => (false, None),
    };
    FunctionError {
        raised,
        error_type: failure.error_type().to_owned(),
        message: failure.message(within),
        trace,
    }
}

/// What a person needs to mend a failure: the message, and where it was raised.
fn told(failure: &Failure, within: Duration) -> String {
    let FunctionError { error_type, message, trace, .. } = explained(failure, within);
    match trace {
        Some(trace) => format!("Traceback (most recent call last):\n{trace}{error_type}: {message}"),
        None => message,
    }
}

/// The `stackTrace` of an error document, as one text.
fn stack(payload: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(payload).ok()?;
    let lines = document.get("stackTrace")?.as_array()?.iter().filter_map(|line| line.as_str());
    Some(lines.collect::<Vec<_>>().concat()).filter(|trace| !trace.is_empty())
}
