//! The port to whatever keeps the rows. It writes and reads; it decides nothing.
//!
//! A group is written whole or not at all and is on disk when [`Engine::write`] returns. A view shows whole groups
//! only. After a failed write the store asks nothing of the engine any more.

mod fjall;
mod memory;
mod redb;

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::log::Segment;

pub(crate) use self::fjall::Fjall;
pub(crate) use self::memory::Memory;
pub use self::memory::{Disk, Fault};
pub(crate) use self::redb::Redb;

pub(crate) trait Engine: Send + Sync + 'static {
    /// Writes a group: atomically, and synced when this returns. No key stands in it twice.
    fn write(&self, group: Vec<Write>) -> Result<(), EngineError>;

    /// The state after the last group.
    fn view(&self) -> Arc<dyn View>;

    fn segments(&self) -> Vec<Segment>;

    /// Makes a segment, unless it is there.
    fn make_segment(&self, segment: Segment) -> Result<(), EngineError>;

    /// Drops a segment with all its records, without touching them one by one.
    fn drop_segment(&self, segment: Segment) -> Result<(), EngineError>;

    /// Gives room back to the disk that deleted rows still take, as far as that can be done within `free_bytes`. May
    /// take long; other calls go on beside it.
    fn reclaim(&self, _free_bytes: u64) -> Result<(), EngineError> {
        Ok(())
    }

    /// How long the next write is to be waited for before it is made. Only simulated disks are slow on purpose.
    fn delay(&self) -> Option<Duration> {
        None
    }
}

/// An unchanging state of all tables. A table that is not there reads as empty.
pub(crate) trait View: Send + Sync {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// Visits rows in order until the visitor breaks.
    fn scan(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: &mut dyn FnMut(Bytes, Bytes) -> ControlFlow<()>,
    ) -> Result<(), EngineError>;
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Table {
    Rows,
    Segment(Segment),
}

/// One row of a group; no value deletes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Write {
    pub(crate) table: Table,
    pub(crate) key: Bytes,
    pub(crate) value: Option<Bytes>,
}

/// The direction of a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Forward,
    Backward,
}

/// The engine could not do it, or what it gave back makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EngineError(pub(crate) String);

impl EngineError {
    pub(crate) fn corrupt(what: &'static str) -> EngineError {
        EngineError(format!("the store is damaged: {what}"))
    }
}

impl From<minicbor::decode::Error> for EngineError {
    fn from(error: minicbor::decode::Error) -> EngineError {
        EngineError(format!("the store is damaged: {error}"))
    }
}

impl From<EngineError> for crate::Error {
    fn from(error: EngineError) -> crate::Error {
        crate::Error::Fatal(error.0)
    }
}
