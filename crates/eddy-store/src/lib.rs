//! The one durable thing of eddy.
//!
//! Every change is a [`Batch`]: plain data, decided inside the commit, written with others of the same moment as one
//! group, and answered once it is on disk. [`Durable`] is the proof of that; success replies are built from it.
//! Reading goes through a [`Snapshot`]. Large bodies are [`Blobs`], sequences of events are [`Log`]s.
//!
//! It refuses to open what it cannot read, to start empty where data was, to go on after a failed sync, and to
//! decide anything outside the commit.

mod batch;
mod blob;
mod committer;
mod drive;
mod durable;
mod ending;
mod engine;
mod folder;
mod keeper;
mod key;
mod keys;
mod limits;
mod log;
mod mark;
mod open;
mod publish;
mod queue;
mod room;
mod snapshot;
mod store;
pub mod testing;

pub use batch::{Appended, Apply, Batch, Condition, Update, UpdateId, Verdict};
pub use blob::{BlobId, BlobReader, BlobWriter, Blobs};
pub use durable::{Committed, Durable, Error, Pos, Refusal, Refused, Row};
pub use engine::Order;
pub use key::{BadKey, Cell, Key, KeyBuilder, KeyReader, Range, RowBuilder, Space};
pub use limits::{
    BATCH_BYTES_MAX, CACHE_BYTES, EXIT_CODE_FATAL, INLINE_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX,
};
pub use log::{Log, Record, Retention};
pub use open::{EngineKind, OpenError, Options};
pub use publish::{Applied, Follower, Topic, Watch};
pub use room::RoomMarks;
pub use snapshot::Snapshot;
pub use store::Store;
