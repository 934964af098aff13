//! What the bus says about an event afterwards: its attempts, its end, and, if it was given up, the dead letter.

use std::fmt;

use eddy_base::{Id, Timestamp};
use minicbor::{Decode, Encode};

use crate::{Event, Source, TargetName, WhyNot};

/// One attempt that counted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attempt {
    #[n(0)]
    pub started: Timestamp,
    #[n(1)]
    pub took_ms: u64,
    /// `None` when it succeeded.
    #[n(2)]
    pub failure: Option<Failure>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Failure {
    /// At most 1 KiB.
    #[n(0)]
    pub error_type: String,
    /// At most 4 KiB.
    #[n(1)]
    pub message: String,
    /// At most 32 KiB.
    #[n(2)]
    pub trace: Option<String>,
    /// Which code failed.
    #[n(3)]
    pub code_version: String,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum End {
    #[n(0)]
    Delivered,
    #[n(1)]
    Dead(#[n(0)] Reason),
}

/// Why an event was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Reason {
    /// Every attempt failed.
    #[n(0)]
    Retries,
    /// It became older than its target allows.
    #[n(1)]
    Age,
    /// Functions, objects and events caused one another too often in a row.
    #[n(2)]
    Hops,
    /// No document could be made of it.
    #[n(3)]
    Shape,
    /// The target does not exist any more.
    #[n(4)]
    Gone,
}

/// An event that was given up, with all that is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Dead {
    #[n(0)]
    pub event: Event,
    /// The id of the subscription that gave it up, and its number, which no later one of the same id has.
    #[n(1)]
    pub subscription: String,
    #[n(2)]
    pub serial: u64,
    #[n(3)]
    pub target: TargetName,
    #[n(4)]
    pub reason: Reason,
    #[n(5)]
    pub error_type: String,
    #[n(6)]
    pub message: String,
    #[n(7)]
    pub trace: Option<String>,
    #[n(8)]
    pub attempts: Vec<Attempt>,
    /// Which code failed last; `None` when none ran.
    #[n(9)]
    pub code_version: Option<String>,
    #[n(10)]
    pub accepted: Timestamp,
    #[n(11)]
    pub at: Timestamp,
}

/// A dead letter as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its place among the dead letters of its account and region.
    pub offset: u64,
    pub dead: Dead,
    /// When it was sent again.
    pub resent: Option<Timestamp>,
}

/// One page of dead letters, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pub letters: Vec<Letter>,
    /// Where the next page begins: give it as `before`. `None` at the end.
    pub next: Option<u64>,
}

/// All that is known about one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    pub event: Event,
    /// When its commit took it in.
    pub accepted: Timestamp,
    pub deliveries: Vec<Told>,
    pub letters: Vec<Letter>,
}

/// One subscriber's part in the story of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub subscription: String,
    /// `None` for a subscription that is gone.
    pub target: Option<TargetName>,
    pub state: State,
    pub attempts: Vec<Attempt>,
    /// How often it was put back between; 0 while it still waits.
    pub put_backs: u32,
}

/// Where an event stands for one subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its filter does not want it.
    NotWanted(WhyNot),
    /// It waits for its first attempt, or is on its way.
    Waiting,
    /// It failed and will be tried again then.
    Retrying {
        due: Timestamp,
    },
    Ended {
        end: End,
        at: Timestamp,
    },
    /// It was settled so long ago that no more is known.
    Settled,
}

/// Something that the bus did, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub event: Id,
    /// The request from outside that it goes back to.
    pub root: Id,
    pub kind: String,
    pub subject: String,
    pub source: Source,
    pub subscription: String,
    pub target: TargetName,
    pub attempt: u32,
    pub attempts_max: u32,
    pub step: Step,
}

/// See [`Progress`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Delivered {
        took_ms: u64,
    },
    /// Comes again at `due`.
    Failed {
        error_type: String,
        message: String,
        due: Timestamp,
    },
    /// Comes again at `due`; does not count.
    PutBack {
        reason: String,
        due: Timestamp,
    },
    Dead {
        reason: Reason,
        error_type: String,
        message: String,
    },
}

/// What [`Bus::drain`](crate::Bus::drain) leaves behind. All of it is on disk and goes on at the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Events that have not had an attempt.
    pub waiting: u64,
    /// Events that wait for another attempt.
    pub retrying: u64,
    /// Deliveries that did not end in time; they come again.
    pub cut_short: u64,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Retries => "every attempt failed",
            Reason::Age => "it waited too long",
            Reason::Hops => "it is the end of a chain that goes in circles",
            Reason::Shape => "no document could be made of it",
            Reason::Gone => "its target is gone",
        })
    }
}
