//! Who wants which events of a source, and in which form.

use std::fmt;

use eddy_base::Scope;
use minicbor::{Decode, Encode};

use crate::Filter;

/// A subscriber of one source.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Subscription {
    /// Unique within its source; whoever subscribes chooses it. Replacing a subscription under its old id keeps
    /// its position in the log.
    #[n(0)]
    pub id: String,
    #[n(1)]
    pub filter: Filter,
    #[n(2)]
    pub target: TargetName,
    /// Which [`Shape`](crate::Shape) makes the document that the target gets.
    #[n(3)]
    pub shape: String,
    /// Milliseconds from a first failure to the second attempt, doubled for each further one. `None` leaves it to
    /// the target's [`RetryPolicy`](crate::RetryPolicy).
    #[n(4)]
    pub retry_base_ms: Option<u64>,
}

impl Subscription {
    /// The shape of payloads that go through as they are.
    pub const RAW: &'static str = "raw";
}

/// Who gets the events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum TargetName {
    #[n(0)]
    Function {
        #[n(0)]
        scope: Scope,
        #[n(1)]
        name: String,
        #[n(2)]
        qualifier: Option<String>,
    },
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetName::Function { name, qualifier: None, .. } => write!(f, "function {name}"),
            TargetName::Function { name, qualifier: Some(qualifier), .. } => {
                write!(f, "function {name}:{qualifier}")
            }
        }
    }
}
