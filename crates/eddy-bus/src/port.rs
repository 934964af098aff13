//! The two ports of the bus: who takes a delivery, and who writes the document that is delivered.

use std::time::Duration;

use bytes::Bytes;
use eddy_base::env::Boxed;
use eddy_base::{Fault, Timestamp};

use crate::limits;
use crate::{Event, TargetName};

/// Takes deliveries. A delivery runs for as long as its future does; when the future is dropped (at shutdown, or
/// because the lease ran out), its work may be cut short, and the event comes again.
pub trait Target: Send + Sync + 'static {
    /// Hands over one event and says how it went.
    fn deliver<'a>(&'a self, delivery: Delivery) -> Boxed<'a, Outcome>;

    /// What is to happen with failures of this target, as it stands now. Asked before each attempt and after it.
    fn policy(&self, target: &TargetName) -> RetryPolicy;
}

/// Writes an event in the form that a function expects.
pub trait Shape: Send + Sync + 'static {
    /// `subscription` is the id of the one that it is written for.
    ///
    /// # Errors
    /// When the event's data are not what this shape reads; the event is then a dead letter at once.
    fn render(&self, event: &Event, subscription: &str) -> Result<Bytes, Fault>;
}

/// One attempt at one event.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub event: Event,
    /// What the subscription's shape made of the event.
    pub payload: Bytes,
    pub target: TargetName,
    /// The id of the subscription.
    pub subscription: String,
    /// 1 for the first. Attempts that were put back do not count.
    pub attempt: u32,
    /// How many there can be, this one included.
    pub attempts_max: u32,
    /// When the event was accepted.
    pub accepted: Timestamp,
    pub lease: Lease,
}

/// The right to settle one event for one subscriber. A later grant of the same event voids it: what an older
/// attempt then says changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The event's offset in its source's log.
    pub offset: u64,
    /// Counts the grants of this event since the start, put-back ones included.
    pub grant: u32,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it.
    Done,
    /// The function ran, or tried to, and failed. Counts as an attempt.
    Failed { error_type: String, message: String, trace: Option<String>, code_version: String },
    /// Throttled, or our own fault. Does not count; comes again after `after` or, without it, after a time that
    /// grows with each put-back.
    PutBack { after: Option<Duration>, reason: String },
    /// The target does not exist any more. No later attempt can succeed, so the event is a dead letter at once.
    Gone { message: String },
}

/// How failures of a target are retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after a first one that failed, 0 to 2.
    pub retries: u32,
    /// How old an event may become before it is given up, 60 s to 6 h.
    pub age_max: Duration,
    /// From the first failure to the second attempt; doubled for each further one.
    pub base: Duration,
    /// How many deliveries may be on their way to one subscription at once, at least 1.
    pub parallel_max: usize,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            retries: limits::RETRIES_DEFAULT,
            age_max: limits::AGE_MAX,
            base: limits::RETRY_BASE,
            parallel_max: limits::PARALLEL_MAX,
        }
    }
}
