//! What the server tells a jail to be, and what the jail tells back.

use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::process::Resource;
use serde::{Deserialize, Serialize};

use crate::Wall;

/// Which walls a jail is built with: what the probe found, minus what the configuration took away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// May the supervisor make namespaces without a user namespace? Then mounts come before it.
    pub(crate) privileged: bool,
    /// The supervisor's own ids.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) standing: Vec<Wall>,
}

impl Shape {
    pub(crate) fn has(&self, wall: Wall) -> bool {
        self.standing.contains(&wall)
    }
}

/// All that a jail's first process builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) mounts: Vec<Mount>,
    /// Files made in the root: path and content.
    pub(crate) files: Vec<(PathBuf, String)>,
    /// Symbolic links made in the root: path and target.
    pub(crate) links: Vec<(PathBuf, PathBuf)>,
    pub(crate) tmp_bytes_max: u64,
    /// Where eddy listens inside the jail's network.
    pub(crate) ports: Vec<SocketAddr>,
    /// The user that a privileged supervisor turns the guest into, as the host sees it.
    pub(crate) outer_id: u32,
    pub(crate) limits: Vec<Limit>,
    pub(crate) rules: Rules,
    /// Nothing to run makes an empty jail, which ends at once: the probe of health.
    pub(crate) program: Option<Program>,
}

/// A file or folder of the host, seen read-only inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mount {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Without it there is no jail.
    Needed,
    /// Left out where the host lacks it or does not let us have it.
    Optional,
    /// A device node; left out like an optional one.
    Device,
}

/// What landlock lets the guest touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// Read, list and execute.
    pub(crate) readable: Vec<PathBuf>,
    /// All of that, and write.
    pub(crate) writable: Vec<PathBuf>,
    /// The only TCP ports to connect to; `None` where the network namespace sees to it.
    pub(crate) connect: Option<Vec<u16>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    pub(crate) resource: Limited,
    pub(crate) most: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Limited {
    OpenFiles,
    Processes,
    CoreBytes,
    LockedBytes,
    QueueBytes,
    RealTimePriority,
    /// Only where no control group counts memory: private writable pages of one process.
    DataBytes,
}

impl Limited {
    pub(crate) fn of_kernel(self) -> Resource {
        match self {
            Limited::OpenFiles => Resource::Nofile,
            Limited::Processes => Resource::Nproc,
            Limited::CoreBytes => Resource::Core,
            Limited::LockedBytes => Resource::Memlock,
            Limited::QueueBytes => Resource::Msgqueue,
            Limited::RealTimePriority => Resource::Rtprio,
            Limited::DataBytes => Resource::Data,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// With the name of the program first.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) folder: PathBuf,
    /// Is there a frame channel among the descriptors, to be descriptor 3?
    pub(crate) channel: bool,
}

impl std::fmt::Debug for Program {
    /// Without the environment, which holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a jail's init says to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// A wall could not be built; nothing was run.
    Failed { step: String, reason: String },
    /// All walls stand, but the program cannot be executed.
    NotRun { reason: String },
    /// The program runs. Comes with `/tmp`, if it is the jail's own, and with the listeners.
    Running { own_tmp: bool },
    /// The program ended, and with it the jail.
    Ended { code: Option<i32>, signal: Option<i32> },
}

/// What the server says to a jail's init.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// SIGSTOP to all.
    Stop,
    /// SIGCONT to all.
    Continue,
}
