//! Runs one package in one jail.
//!
//! The port is [`Jail`]: it [prepares](Jail::prepare) a package and [starts](Jail::start) guests of it; a
//! [`Guest`] answers one event at a time. [`Process`] is the real adapter (a supervisor process that makes
//! Linux jails), [`testing::InTest`] the scripted one.
//!
//! This crate knows packages, limits and the contracts that clouds have with a guest. It knows no functions,
//! versions or queues, keeps no state beyond the running guests, and retries nothing: whoever asks decides.
#![cfg_attr(
    not(target_os = "linux"),
    doc = "Linux only: elsewhere the build stops. Run eddy in a Linux container or virtual machine."
)]

#[cfg(not(target_os = "linux"))]
compile_error!("eddy runs functions in Linux jails: build it in a Linux container or virtual machine");

mod contract;
mod error;
mod failure;
mod guest;
mod inside;
mod jail;
pub mod limits;
mod process;
pub mod python;
pub mod runtimes;
mod supervisor;
mod sys;
pub mod testing;
mod walls;

pub use contract::{new_root, trace_header};
pub use error::Error;
pub use failure::Failure;
pub use guest::{Event, Freeze, Guest, Init, Invoked, Reply, Usage};
pub use jail::{Artifact, Credentials, Function, Jail, Line, Package, Runtime, Sink, Spec, Stream};
pub use process::{Call, Calls, Installing, Options, Process};
pub use supervisor::intercept;
pub use sys::open_files_max;
pub use walls::{Missing, Tier, Wall, Walls};
