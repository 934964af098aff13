//! Asynchronous invocation: events of the bus that end in a function.

use std::sync::{Arc, Weak};
use std::time::Duration;

use eddy_base::env::Boxed;
use eddy_base::{Code, Fault, HOPS_MAX, Id, Scope};
use eddy_bus::{Delivery, Event, Outcome, RetryPolicy, Source, TargetName};
use eddy_store::{Batch, Durable};
use eddy_telemetry::{Keep, Kind, Node};

use crate::error::Error;
use crate::invoke::{Invoked, check_version};
use crate::limits::{PAYLOAD_ASYNC_BYTES_MAX, RETRY_SECONDS};
use crate::{Functions, Invoke, Shared};

/// A function with this tag is tried again after so many seconds, and then after twice as many.
const RETRY_TAG: &str = "eddy:retry-seconds";

impl Functions {
    /// Accepts an invocation that nobody waits for. It is durable when this returns, and its answer is dropped.
    /// `tail`, `by`, `trace` and `client_context` have no meaning here.
    ///
    /// # Errors
    /// `Missing` about the function or its version; `TooLarge` about the payload; the store's.
    pub async fn enqueue(&self, invoke: Invoke) -> Result<Durable<Id>, Fault> {
        let Invoke { scope, name, qualifier, payload, cause, request_id, .. } = invoke;
        self.shared.known(&scope, &name)?;
        check_version(&name, qualifier.as_deref())?;
        if payload.len() > PAYLOAD_ASYNC_BYTES_MAX {
            return Err(Error::PayloadTooLarge { limit: PAYLOAD_ASYNC_BYTES_MAX }.into());
        }
        let event = Event {
            id: request_id,
            at: self.shared.env().now(),
            source: Source::Function { scope, name, qualifier },
            kind: Event::INVOKE.to_owned(),
            subject: String::new(),
            cause,
            data: payload,
        };
        let mut batch = Batch::new();
        self.shared.bus.stage(&mut batch, &event);
        Ok(self.shared.store.commit(batch, request_id).await?)
    }
}

/// Functions as the bus sees them. Holds them weakly, since they hold the bus.
struct Target(Weak<Shared>);

impl eddy_bus::Target for Target {
    fn deliver<'a>(&'a self, delivery: Delivery) -> Boxed<'a, Outcome> {
        Box::pin(async move {
            match self.0.upgrade() {
                Some(shared) => Functions { shared }.delivered(delivery).await,
                None => Outcome::PutBack { after: None, reason: "the server is stopping".to_owned() },
            }
        })
    }

    fn policy(&self, target: &TargetName) -> RetryPolicy {
        let TargetName::Function { scope, name, .. } = target;
        let mut policy = RetryPolicy::default();
        let Some(shared) = self.0.upgrade() else { return policy };
        let retry = shared.known(scope, name).ok().and_then(|known| known.retry);
        if let Some(base) = (Functions { shared }).retry_base(scope, name) {
            policy.base = base;
        }
        if let Some(attempts) = retry.and_then(|retry| retry.attempts) {
            policy.retries = attempts.into();
        }
        if let Some(seconds) = retry.and_then(|retry| retry.age_seconds) {
            policy.age_max = Duration::from_secs(seconds.into());
        }
        policy
    }
}

impl Functions {
    /// Functions as the one target of the bus.
    pub fn target(&self) -> Arc<dyn eddy_bus::Target> {
        Arc::new(Target(Arc::downgrade(&self.shared)))
    }

    /// The time to the second attempt, where a tag of the function says another than the usual 60 s.
    fn retry_base(&self, scope: &Scope, name: &str) -> Option<Duration> {
        let (tags, _) = self.tags(scope, name).ok()?;
        let seconds =
            tags.all.get(RETRY_TAG)?.parse().ok().filter(|seconds| RETRY_SECONDS.contains(seconds))?;
        Some(Duration::from_secs(seconds))
    }

    /// Leaves the event's node in the trace, so that what it starts hangs below what caused it.
    fn tell_of_event(&self, event: &Event) {
        let what = match &event.source {
            Source::Bucket { name, .. } => format!("{name}/{}", event.subject),
            Source::Function { name, .. } => name.clone(),
        };
        let node = Node {
            id: event.id,
            cause: event.cause,
            kind: Kind::Event,
            label: format!("{} {what}", event.kind),
            outcome: "delivered".to_owned(),
            started: event.at,
            took_micros: 0,
            subject: None,
            detail: None,
        };
        self.shared.telemetry.node(node, Keep::Yes);
    }

    async fn delivered(&self, delivery: Delivery) -> Outcome {
        let Delivery { event, payload, target, attempt, .. } = delivery;
        if attempt == 1 {
            self.tell_of_event(&event);
        }
        if event.cause.hops >= HOPS_MAX {
            let message = format!("stopped: {HOPS_MAX} events have caused one another up to this one");
            return Outcome::Gone { message };
        }
        let TargetName::Function { scope, name, qualifier } = target;
        let invoke = Invoke {
            scope,
            name,
            qualifier,
            payload,
            client_context: None,
            trace: None,
            cause: event.cause.across(event.id),
            request_id: event.id,
            tail: false,
            by: None,
        };
        outcome(self.invoke(invoke).await)
    }
}

/// What an invocation is to the bus: the function's failures count, ours do not.
fn outcome(invoked: Result<Invoked, Fault>) -> Outcome {
    let fault = match invoked {
        Ok(Invoked { error: None, .. }) => return Outcome::Done,
        Ok(Invoked { error: Some(error), code_hash, .. }) => {
            return Outcome::Failed {
                error_type: error.error_type,
                message: error.message,
                trace: error.trace,
                code_version: code_hash.hex(),
            };
        }
        Err(fault) => fault,
    };
    match fault.code {
        // No later attempt can succeed.
        Code::Missing | Code::TooLarge => Outcome::Gone { message: fault.to_string() },
        // The machine's or eddy's doing: an interpreter that is missing may be installed, a full disk emptied.
        Code::Invalid
        | Code::Unsupported
        | Code::Unauthenticated
        | Code::Denied
        | Code::Exists
        | Code::Conflict
        | Code::ConditionFailed
        | Code::NotEmpty
        | Code::LimitExceeded
        | Code::Throttled
        | Code::FunctionFailed
        | Code::TimedOut
        | Code::NoRoom
        | Code::Unavailable
        | Code::Internal => Outcome::PutBack { after: None, reason: fault.to_string() },
    }
}
