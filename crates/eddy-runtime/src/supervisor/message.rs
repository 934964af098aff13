//! What server and supervisor say to each other.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::inside::plan::Shape;
use crate::{Wall, Walls};

/// From the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// The first message, once: sweep what an earlier supervisor left, and find out which walls there are.
    Configure(Configure),
    /// Make a jail. Comes with the jail's end of its control socket.
    Start { id: u64, limits: Limits },
    /// Kill a jail, whatever state it is in. Answered by [`Tell::Ended`].
    Kill { id: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Configure {
    /// Names the groups of this data folder among those of others: `[a-z0-9-]`, at most 32.
    pub(crate) instance: String,
    /// A folder of the server's where the supervisor remembers what it made. It exists.
    pub(crate) state: PathBuf,
    /// Walls not to be built although they could be.
    pub(crate) without: Vec<Wall>,
    /// Give up all rights and be this user, before anything else.
    pub(crate) user: Option<u32>,
}

/// What control groups hold a jail to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Memory and `/tmp` together: the kernel does not tell them apart.
    pub(crate) memory_bytes: u64,
    /// Where the kernel is to speak up: more than this, of both together.
    pub(crate) notice_bytes: u64,
    pub(crate) pids: u32,
    pub(crate) cpu_millis: Option<u32>,
}

/// From the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tell {
    /// The answer to [`Ask::Configure`].
    Configured { walls: Walls, shape: Shape, swept: usize },
    /// The jail's first process is there and in its groups. Comes with one descriptor for each of `files`.
    Started { id: u64, pid: i32, files: Vec<GroupFile> },
    /// No jail was made.
    Refused { id: u64, step: String, reason: String },
    /// Nothing of the jail is left.
    Ended { id: u64, out_of_memory: bool },
}

/// A file of a control group that the server may use itself, without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupFile {
    /// v2: `1` freezes, `0` thaws.
    FreezeV2,
    /// v1: `FROZEN`, `THAWED`.
    FreezeV1,
    /// Bytes in use.
    MemoryNow,
    /// Most bytes in use; writing resets it.
    MemoryPeak,
    /// v1: an eventfd that is added to when the bytes in use pass [`Limits::notice_bytes`].
    MemoryPassedV1,
    /// `memory.high` of v2: bytes, or `max`.
    MemoryHighV2,
    /// `memory.events` of v2, which is readable out of band when it has changed.
    MemoryEventsV2,
    /// `memory.stat` of v1.
    MemoryStatV1,
    /// `memory.stat` of v2.
    MemoryStatV2,
    /// Nanoseconds of processor time.
    CpuV1,
    /// `cpu.stat` of v2.
    CpuV2,
}
