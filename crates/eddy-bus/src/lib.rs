//! Events in motion: one retained log per source, and subscribers that each have their own position in it.
//!
//! An event is staged in the batch of the change that causes it, so it is as durable as the change. Each
//! subscription filters its source's log and delivers to one [`Target`], several events at a time and in no
//! promised order, at least once. What fails comes again on a schedule, what cannot succeed becomes a dead letter
//! with everything known about it. Bodies are stored once; subscribers hold positions, retries and leases.
//!
//! The bus knows no functions, objects or vendors: targets and document shapes are ports.

mod ask;
mod bus;
mod cbor;
mod decide;
mod dispatch;
mod error;
mod event;
mod filter;
mod keys;
mod letter;
pub mod limits;
mod line;
mod port;
mod position;
mod registry;
mod rows;
mod subscription;
mod updates;
mod window;

pub use bus::{Bus, Staged};
pub use event::{Event, Source};
pub use filter::{Filter, Verdict, WhyNot};
pub use keys::SPACE;
pub use letter::{
    Attempt, Dead, Drained, End, Failure, Letter, Page, Progress, Reason, State, Step, Story, Told,
};
pub use port::{Delivery, Lease, Outcome, RetryPolicy, Shape, Target};
pub use subscription::{Subscription, TargetName};
pub use updates::updates;

/// The name spaces of the bus, for the store to know at open.
pub const SPACES: &[eddy_store::Space] = &[SPACE];
