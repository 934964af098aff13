//! Who asks, and may they: accounts, keys, sessions, roles, policies, and decisions with their reason.
//!
//! [`Identity`] knows the root key and gives each jail a session of its own, sealed in its token. Policy
//! documents are parsed and asked in [`policy`]; [`Identity::decide`] puts resource policies, the boundary of
//! functions and ownership together. Policies of roles are kept and given back, and not yet enforced.
//!
//! It checks no signature (that is the wire's) and words no refusal (that is each service's).

mod boundary;
mod caller;
mod decide;
mod identity;
mod keys;
pub mod limits;
pub mod policy;
pub mod role;
pub mod root;
mod token;

pub use caller::{Caller, Session, account_of};
pub use decide::{Decision, Question, Why};
pub use identity::{Credential, Identity, Keys, OpenError, Refused};
pub use keys::SPACE;
pub use role::Role;
pub use root::RootKey;

/// The spaces of this crate, for the store to open.
pub const SPACES: &[eddy_store::Space] = &[SPACE];
