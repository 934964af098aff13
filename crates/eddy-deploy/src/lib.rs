//! Templates: SAM and CloudFormation, read, resolved, planned, and carried out through the operations that any
//! client calls.
//!
//! [`Plan`] is pure: it reads a folder's template, expands SAM, orders the resources, and refuses whatever is not
//! supported by file, line and name before anything changes. [`Deployer`] carries it out and remembers what it made,
//! so that what leaves the template is removed, and only if this template made it.
//!
//! It does not roll back, and it is not the CloudFormation API.

mod deploy;
mod graph;
mod keys;
mod node;
mod package;
mod plan;
mod read;
mod resolve;
mod resource;
mod sam;
mod template;

pub use deploy::{Deployed, Deployer, Done, Step, Stopped, Wanted};
pub use keys::SPACE;
pub use node::Error;
pub use plan::{FILES, Plan, Refusal, has_parameter};
pub use resolve::{Made, Place};

/// The key spaces of this crate, for the store that is opened for it.
pub const SPACES: &[eddy_store::Space] = &[SPACE];
