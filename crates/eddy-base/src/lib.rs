//! The vocabulary of the house: what every other crate may say without asking.
//!
//! Names and places ([`Account`], [`Region`], [`Scope`]), identities ([`Id`]), time ([`Timestamp`]), the one
//! error that crosses floors ([`Fault`]), why something happened ([`Cause`]), and the port to the outside
//! world ([`Env`]). This crate keeps no state and, but for [`System`], the real `Env`, does no I/O.

mod cause;
pub mod env;
mod fault;
mod id;
mod scope;
mod time;

pub use cause::{Cause, HOPS_MAX};
pub use env::{Env, System, Task};
pub use fault::{Blame, Code, Fault, Subject};
pub use id::Id;
pub use scope::{Account, Region, Scope};
pub use time::Timestamp;
