//! Why something happened.

use minicbor::{Decode, Encode};

use crate::Id;

/// The longest chain of functions, objects and events that may cause one another.
pub const HOPS_MAX: u32 = 16;

/// A node's place in the tree of what caused what.
///
/// A request from outside is a root. What it changes, the events of those changes, the invocations they start
/// and the requests that these make are below it, each one hop deeper than its parent when it crosses an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Cause {
    /// The request from outside that everything goes back to.
    #[n(0)]
    pub root: Id,
    /// The request, event or invocation directly before this one; the root itself for what a root does.
    #[n(1)]
    pub parent: Id,
    /// Events crossed since the root. Stops at [`HOPS_MAX`].
    #[n(2)]
    pub hops: u32,
}

impl Cause {
    /// The cause of whatever the outside request `id` does.
    pub fn root(id: Id) -> Cause {
        Cause { root: id, parent: id, hops: 0 }
    }

    /// The cause of what `id` does, where `id` itself has this cause: same chain, no event crossed.
    #[must_use]
    pub fn below(self, id: Id) -> Cause {
        Cause { parent: id, ..self }
    }

    /// The cause of what the delivery of event `id` does.
    #[must_use]
    pub fn across(self, id: Id) -> Cause {
        Cause { parent: id, hops: self.hops.saturating_add(1), ..self }
    }
}
