//! Logs: groups of streams of events, with their times.
//!
//! An event has a time of its own, which is not when it was written. A stream is a log of the store whose records
//! are chunks of events; since time mostly goes forward in a stream, the log is its own index of time, and the
//! stream's row says by how much that is wrong (see [`cursor`]). Nothing is kept in memory: thousands of groups
//! cost a row each.
//!
//! What a client puts is acknowledged by a commit; what functions print goes through `Store::record`.

pub(crate) mod chunk;
mod cursor;
mod group;
pub mod pattern;
mod read;
pub(crate) mod rows;
mod stream;
mod tail;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use eddy_base::env::blocking;
use eddy_base::{Code, Env, Fault, Scope, Subject, Timestamp};
use eddy_store::{Snapshot, Store};

use crate::keys;

pub use chunk::Event;
pub use group::{Group, Settings};
pub use read::{Direction, Found, Lines, Place, Range, Read, Search};
pub use rows::updates;
pub use stream::{Order, Stream, Streams};
pub use tail::{Tail, Tailed};
pub use write::{Put, Rejected};

/// The log groups of all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Logs {
    store: Store,
    /// What was printed to groups that are being made.
    unmade: Arc<Mutex<HashMap<(Scope, String), write::Unmade>>>,
}

impl Logs {
    pub(crate) fn new(store: Store) -> Logs {
        Logs { store, unmade: Arc::default() }
    }

    /// The group as the snapshot has it.
    fn found(&self, snapshot: &Snapshot, scope: &Scope, group: &str) -> Result<rows::Group, Fault> {
        self.find(snapshot, scope, group)?.ok_or_else(no_group)
    }

    fn find(&self, snapshot: &Snapshot, scope: &Scope, group: &str) -> Result<Option<rows::Group>, Fault> {
        let row = snapshot.get(&keys::group(scope, group))?;
        row.map(|row| decode(&row.value, "a log group")).transpose()
    }

    fn now(&self) -> Timestamp {
        self.store.env().now()
    }
}

/// Runs a read that may go to the disk many times where it holds up nobody.
async fn aside<T: Send + 'static>(
    env: &Arc<dyn Env>,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match blocking(env, work).await {
        Ok(done) => done,
        Err(why) => {
            tracing::error!(%why, "a read of logs did not end");
            Err(Fault::internal("a read of logs did not end"))
        }
    }
}

fn decode<T: for<'b> minicbor::Decode<'b, ()>>(bytes: &[u8], what: &str) -> Result<T, Fault> {
    minicbor::decode(bytes).map_err(|why| {
        tracing::error!(%why, what, "what is stored cannot be read");
        Fault::internal(format!("{what} cannot be read"))
    })
}

fn no_group() -> Fault {
    Fault::new(Code::Missing, Subject::LogGroup, "The specified log group does not exist.")
}

fn no_stream() -> Fault {
    Fault::new(Code::Missing, Subject::LogStream, "The specified log stream does not exist.")
}
