//! Templates: SAM and CloudFormation, read, resolved, planned, and carried out through the operations that any
//! client calls.
//!
//! [`Plan`] is pure: it reads a folder's template, expands SAM, orders the resources, and refuses types, properties
//! and references by file, line and name. [`Deployer`] rehearses it (every operation is asked whether it takes what it
//! would get) before anything changes; then it carries it out and remembers what it made, so that what leaves the
//! template is removed, and only if this template made it.
//!
//! It does not roll back, and it is not the CloudFormation API.

mod apply;
mod deploy;
mod graph;
mod keys;
mod node;
mod package;
mod parameter;
mod plan;
mod read;
mod rehearse;
mod resolve;
mod resource;
mod sam;
mod settle;
mod template;
mod todo;
mod ways_in;
mod wish;

pub use deploy::{Deployed, Deployer, Done, Output, Step, Stopped, Wanted};
pub use keys::SPACE;
pub use node::Error;
pub use plan::{FILES, Plan, Refusal, has_parameter};
pub use resolve::{Made, Place};

/// The key spaces of this crate, for the store that is opened for it.
pub const SPACES: &[eddy_store::Space] = &[SPACE];
