//! Watching a group as it is written.

use bytes::Bytes;
use eddy_base::{Fault, Scope, Timestamp};
use eddy_store::Follower;
use tokio::sync::mpsc;

use super::chunk::Chunk;
use super::pattern::Pattern;
use super::{Logs, decode};
use crate::limits::TAIL_CHUNKS_MAX;
use crate::{SPACE, keys};

/// What is written to a group from now on, as it comes to be on disk.
#[derive(Debug)]
pub struct Tail {
    chunks: mpsc::Receiver<(String, Bytes)>,
    pattern: Pattern,
    _follower: Follower,
}

/// An event as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tailed {
    pub stream: String,
    pub at: Timestamp,
    pub message: String,
}

impl Logs {
    /// Watches a group. What comes faster than it is taken is lost to the watcher, not to the group.
    ///
    /// # Errors
    /// [`Code::Missing`](eddy_base::Code::Missing) when there is no such group; the store's.
    pub fn tail(&self, scope: &Scope, group: &str, pattern: Pattern) -> Result<Tail, Fault> {
        let id = self.found(&self.store.snapshot(), scope, group)?.id;
        let (sender, chunks) = mpsc::channel(TAIL_CHUNKS_MAX);
        let follower = self.store.follow(SPACE, move |applied| {
            for (log, _, value) in &applied.appended {
                if let Some((group, stream)) = keys::read_log(&log.key)
                    && group == id
                {
                    // A watcher that is slow or gone misses it.
                    let _ = sender.try_send((stream, value.clone()));
                }
            }
        });
        Ok(Tail { chunks, pattern, _follower: follower })
    }
}

impl Tail {
    /// The next events that match, as they were written. `None` when the store is closed.
    ///
    /// # Errors
    /// When what was written cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<Tailed>>, Fault> {
        while let Some((stream, value)) = self.chunks.recv().await {
            let chunk: Chunk = decode(&value, "a chunk of a log")?;
            let matching = chunk.events().filter(|event| self.pattern.matches(&event.message));
            let event =
                |event: super::Event| Tailed { stream: stream.clone(), at: event.at, message: event.message };
            let events: Vec<Tailed> = matching.map(event).collect();
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
        Ok(None)
    }
}
