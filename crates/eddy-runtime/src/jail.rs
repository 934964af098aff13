//! The port: prepare a package, start guests of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::env::Boxed;
use eddy_base::{Id, Timestamp};

use crate::{Error, Guest, Walls};

/// Starts guests. Adapters: processes in Linux jails, and [`crate::testing::InTest`].
pub trait Jail: Send + Sync + 'static {
    /// What a guest is held by here.
    fn walls(&self) -> &Walls;

    /// Gets a package ready to be started many times. Called when a function is created or updated.
    ///
    /// # Errors
    /// [`Error::NoInterpreter`] when this machine has no such Python, [`Error::Wall`] when it cannot hold a
    /// guest as the configuration demands, [`Error::Package`] when there is nothing to run in the package.
    fn prepare<'a>(&'a self, package: &'a Package) -> Boxed<'a, Result<Artifact, Error>>;

    /// Builds a jail and starts the package in it. The guest may still be initialising: see
    /// [`Guest::ready`].
    ///
    /// # Errors
    /// As [`Jail::prepare`], and [`Error::Jail`] when the kernel refuses a wall that it had granted before.
    fn start<'a>(&'a self, artifact: &'a Artifact, spec: Spec) -> Boxed<'a, Result<Guest, Error>>;

    /// Builds an empty jail with all walls and takes it down: is this machine still able to? Needs no interpreter.
    /// Gives how long it took.
    ///
    /// # Errors
    /// What [`Jail::start`] says.
    fn probe<'a>(&'a self) -> Boxed<'a, Result<Duration, Error>>;

    /// Kills all guests and ends whatever starts them. Nothing of it is left on the machine afterwards.
    fn close<'a>(&'a self) -> Boxed<'a, ()>;
}

/// The code of one function version, unpacked on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The unpacked archive, absolute. The guest sees it read-only at `/var/task`. Its files must be readable
    /// for all (0644, 0755); its parent folders need not be.
    pub code: PathBuf,
    /// The layers, unpacked over each other in order into one folder. Seen at `/opt`.
    pub layers: Option<PathBuf>,
    pub runtime: Runtime,
}

/// What runs a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// CPython 3.`minor` with eddy's own bootstrap.
    Python { minor: u8 },
    /// The package's own `bootstrap` executable, which speaks the Runtime API.
    Bootstrap,
}

impl Runtime {
    /// 3.`minor` of a Python runtime; 0 for the others.
    pub(crate) fn minor(self) -> u8 {
        match self {
            Runtime::Python { minor } => minor,
            Runtime::Bootstrap => 0,
        }
    }
}

/// A package that can be started. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub(crate) package: Package,
    pub(crate) interpreter: Option<Arc<crate::python::Interpreter>>,
}

impl Artifact {
    /// The interpreter that runs it, if it is a Python package.
    pub fn interpreter(&self) -> Option<&crate::python::Interpreter> {
        self.interpreter.as_deref()
    }
}

/// One environment: what its guest is given.
#[derive(Clone)]
pub struct Spec {
    /// Names the environment. Handed back with each connection that the guest makes to the platform endpoint.
    pub environment: Id,
    /// `module.function`; for a `bootstrap` whatever it makes of it.
    pub handler: String,
    pub function: Function,
    /// The user's variables. Those that the contract reserves are overwritten, those that begin with `_`
    /// dropped.
    pub variables: Vec<(String, String)>,
    pub credentials: Option<Credentials>,
    /// Memory without `/tmp`. At least [`crate::limits::MEMORY_BYTES_MIN`].
    pub memory_bytes_max: u64,
    /// Size of `/tmp`, beside the memory.
    pub tmp_bytes_max: u64,
    /// Processor time in thousandths of a core; `None` sets no limit.
    pub cpu_millis: Option<u32>,
    /// Processes and threads; see [`crate::limits::PIDS_MAX`].
    pub pids_max: u32,
    /// Where what the guest prints goes. Called from the runtime's tasks: must not block.
    pub logs: Sink,
}

/// What the function's own variables say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub version: String,
    /// As configured; shown to the function, not enforced here.
    pub memory_megabytes: u32,
    pub region: String,
    pub log_group: String,
    pub log_stream: String,
    /// The function's own lines are JSON, from this level on (`INFO`); text without.
    pub json_log_level: Option<&'static str>,
    /// `python3.13`, `provided.al2023`; stands in `AWS_EXECUTION_ENV`.
    pub runtime: String,
}

/// The session of one environment.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
    pub token: String,
}

/// Takes what a guest prints, line by line.
pub type Sink = Arc<dyn Fn(Line) + Send + Sync>;

/// One line, or one record of the guest's logger with all its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub stream: Stream,
    /// When it was read; for a record of the logger, when the guest says that it was written. Never before the line
    /// ahead of it, never in the future.
    pub at: Timestamp,
    /// The invocation under way, if any. Never a later one.
    pub request: Option<Id>,
    /// Without the line end. At most [`crate::limits::LOG_LINE_BYTES_MAX`].
    pub text: Bytes,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    Stdout,
    Stderr,
    /// The guest's logger.
    Log,
    /// Said by eddy about the lines themselves: "12 lines dropped".
    Platform,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Spec {
    /// Leaves out the values of variables and credentials: they are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec")
            .field("environment", &self.environment)
            .field("handler", &self.handler)
            .field("function", &self.function)
            .field("memory_bytes_max", &self.memory_bytes_max)
            .field("tmp_bytes_max", &self.tmp_bytes_max)
            .field("cpu_millis", &self.cpu_millis)
            .field("pids_max", &self.pids_max)
            .finish_non_exhaustive()
    }
}
