//! The binary, as a library so that experiments and the simulator can assemble the same server.
//!
//! [`assemble`] is the wiring: which engine gets what. [`serve`] has the doors, [`cli`] the verbs. No behaviour of a
//! service lives here.

pub mod assemble;
mod banner;
pub mod cli;
mod client;
mod folder;
mod keys;
mod redeploy;
pub mod serve;
pub mod settings;
mod terminal;
mod watch;
