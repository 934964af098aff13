//! Functions: their packages, settings and policies, and what happens when they are invoked.
//!
//! Rows in the store are the truth. Unpacked folders, environments and what is remembered of rows are made from
//! them again whenever they are missing, so a start has nothing to resume.
//!
//! This crate knows no cloud. What a cloud calls things (a log group, a runtime, a resource) comes from the
//! [`Dialect`] that is given at open. It starts no process either: that is the [`Jail`]'s.

mod access;
mod capacity;
mod deliver;
mod directory;
mod environment;
mod error;
pub mod function;
mod hosting;
mod invoke;
mod keys;
mod lease;
pub mod limits;
pub mod logging;
mod looks;
mod manage;
mod output;
mod package;
mod pool;
mod report;
mod rows;
mod shared;
mod start;
mod steadfast;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::{Fault, Id, Scope};
use eddy_bus::Bus;
use eddy_identity::Identity;
use eddy_runtime::{Jail, Runtime};
use eddy_store::{Space, Store};
use eddy_telemetry::Telemetry;

pub use access::Asked;
pub use environment::Activity;
pub use function::LATEST;
pub use invoke::{FunctionError, Invoke, Invoked};
pub use keys::{FUNCTIONS, Name, URLS};
pub use manage::{Page, Tags, Usage};
pub use package::{Package, Upload};
pub(crate) use shared::Shared;

/// The name spaces of this crate.
pub const SPACES: &[Space] = &[FUNCTIONS, URLS];

/// All functions of this store. Cheap to clone.
#[derive(Clone)]
pub struct Functions {
    shared: Arc<Shared>,
}

/// What functions are made of.
pub struct Parts {
    pub store: Store,
    pub bus: Bus,
    pub telemetry: Telemetry,
    pub identity: Identity,
    pub jail: Arc<dyn Jail>,
    pub dialect: Dialect,
    /// Where packages are unpacked.
    pub code_folder: PathBuf,
    /// How many environments may live at once, all functions together.
    pub environments_max: usize,
}

/// What a cloud calls things.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// The log group of a function.
    pub log_group: fn(name: &str) -> String,
    /// A function, or a version of it, as a resource.
    pub arn: fn(scope: &Scope, name: &str, qualifier: Option<&str>) -> String,
    /// What runs packages of a runtime; none when there is no such runtime.
    pub runtime: fn(name: &str) -> Option<Runtime>,
}

impl Functions {
    /// # Errors
    /// `Internal` when the folder cannot be made.
    pub fn open(parts: Parts) -> Result<Functions, Fault> {
        Ok(Functions { shared: Shared::open(parts)? })
    }

    /// What an environment is doing, for requests that come out of it.
    pub fn activity(&self, environment: Id) -> Option<Activity> {
        self.shared.register.activity(environment)
    }

    /// What functions are held by on this machine.
    pub fn walls(&self) -> &eddy_runtime::Walls {
        self.shared.jail.walls()
    }

    /// Takes no more invocations, lets those under way finish for at most `within`, and stops every environment.
    pub async fn close(&self, within: Duration) {
        self.shared.close(within).await;
    }
}
