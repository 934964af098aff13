//! What happened: the neutral event that every source writes and every shape reads.

use bytes::Bytes;
use eddy_base::{Cause, Id, Scope, Timestamp};
use minicbor::{Decode, Encode};

/// One thing that happened, in nobody's dialect.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Event {
    /// Who the event is, through all its deliveries. For an asynchronous invocation: the id of the request.
    #[n(0)]
    pub id: Id,
    /// When it happened.
    #[n(1)]
    pub at: Timestamp,
    #[n(2)]
    pub source: Source,
    /// Words joined by dots, the general first: `object.created.put`, `object.removed.delete`, `invoke`.
    #[n(3)]
    pub kind: String,
    /// What it happened to: an object's key. Empty for an invocation.
    #[n(4)]
    pub subject: String,
    /// What made it happen. Its hops are counted before this event is crossed.
    #[n(5)]
    pub cause: Cause,
    /// What the source's crate says about it, for its shapes to read; for an invocation, the payload.
    #[cbor(n(6), with = "crate::cbor")]
    pub data: Bytes,
}

impl Event {
    /// The kind of an asynchronous invocation.
    pub const INVOKE: &'static str = "invoke";
}

/// Where an event happened. Each source has one log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum Source {
    /// A bucket: events of its objects.
    #[n(0)]
    Bucket {
        #[n(0)]
        scope: Scope,
        #[n(1)]
        name: String,
    },
    /// A function, by a qualifier if the caller gave one: its asynchronous invocations. The function itself is
    /// the only subscriber, without having asked.
    #[n(1)]
    Function {
        #[n(0)]
        scope: Scope,
        #[n(1)]
        name: String,
        #[n(2)]
        qualifier: Option<String>,
    },
}

impl Source {
    pub fn scope(&self) -> &Scope {
        match self {
            Source::Bucket { scope, .. } | Source::Function { scope, .. } => scope,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Source::Bucket { name, .. } | Source::Function { name, .. } => name,
        }
    }
}
