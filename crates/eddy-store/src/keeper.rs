//! Housekeeping beside the commits: files of blobs that no row names, records that a truncation has hidden.
//!
//! Everything it does is written down as a row first, so a crash only means that the next start does it.

use std::sync::{Arc, Weak};

use eddy_base::Env;
use tokio::sync::mpsc;

use crate::batch::Batch;
use crate::blob::{BlobId, Blobs};
use crate::committer::Chores;
use crate::durable::Error;
use crate::ending::Ending;
use crate::engine::{Engine, EngineError, Order};
use crate::key::Key;
use crate::keys::{self, Kind};
use crate::limits::{BLOB_GRACE, CHORE_RETRY};
use crate::publish::Shared;
use crate::queue::Queue;
use crate::room::Room;
use crate::snapshot::Snapshot;

/// Something to do outside the commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Chore {
    /// Remove the files of blobs that have a garbage row, or none at all.
    Remove(Vec<BlobId>),
    /// Delete the truncated records of a log.
    Purge(Key),
    /// Look for blobs of a start that ended badly.
    Sweep(u32),
    /// Give room back to the disk after deletions, when little is left.
    Reclaim,
}

pub(crate) struct Keeper {
    pub(crate) env: Arc<dyn Env>,
    pub(crate) queue: Arc<Queue>,
    /// Not kept alive from here: it holds the engine open.
    pub(crate) shared: Weak<Shared>,
    /// Nor kept alive.
    pub(crate) engine: Weak<dyn Engine>,
    pub(crate) room: Room,
    pub(crate) blobs: Blobs,
    pub(crate) ending: Arc<Ending>,
}

/// Rows that one batch of housekeeping deletes.
const BATCH_ROWS: usize = 500;

impl Chore {
    pub(crate) fn of(chores: Chores) -> impl Iterator<Item = Chore> {
        let remove = (!chores.dropped.is_empty()).then_some(Chore::Remove(chores.dropped));
        remove.into_iter().chain(chores.truncated.into_iter().map(Chore::Purge))
    }
}

impl Keeper {
    /// Does what the last run left, then what comes, until the store is closed.
    pub(crate) async fn run(self, chores: mpsc::UnboundedReceiver<Chore>) {
        tokio::select! {
            biased;
            () = self.ending.begun() => {}
            () = self.keep(chores) => {}
        }
    }

    async fn keep(&self, mut chores: mpsc::UnboundedReceiver<Chore>) {
        match self.left_over() {
            Ok(left) => {
                for chore in left {
                    self.until_done(chore).await;
                }
            }
            Err(error) => tracing::error!(error = %error, "the housekeeping cannot read what is left to do"),
        }
        loop {
            self.lay_ballast().await;
            let Some(chore) = chores.recv().await else { return };
            let mut more = vec![chore];
            self.env.sleep(BLOB_GRACE).await;
            while let Ok(chore) = chores.try_recv() {
                more.push(chore);
            }
            for chore in merged(more) {
                self.until_done(chore).await;
            }
        }
    }

    async fn until_done(&self, chore: Chore) {
        loop {
            let result = match &chore {
                Chore::Remove(blobs) => self.remove(blobs).await,
                Chore::Purge(log) => self.purge(log).await,
                Chore::Sweep(start) => self.sweep(*start).await,
                Chore::Reclaim => self.reclaim().await,
            };
            match result {
                Ok(()) => return,
                Err(Error::NoRoom) => {}
                Err(Error::Unavailable(_)) => return,
                Err(error @ (Error::Fatal(_) | Error::TooLarge { .. } | Error::Refused(_))) => {
                    tracing::error!(error = %error, chore = ?chore, "housekeeping is left to the next start");
                    return;
                }
            }
            self.env.sleep(CHORE_RETRY).await;
        }
    }

    async fn remove(&self, blobs: &[BlobId]) -> Result<(), Error> {
        for blobs in blobs.chunks(BATCH_ROWS) {
            let removed = self.blobs.remove_unread(blobs.to_vec()).await?;
            self.delete(removed.into_iter().map(keys::garbage)).await?;
        }
        Ok(())
    }

    async fn purge(&self, log: &Key) -> Result<(), Error> {
        let truncation = Key::from_stored(keys::truncation(log.as_bytes()))?;
        while self.snapshot()?.get(&truncation)?.is_some() {
            let mut batch = Batch::new();
            batch.purge(log.clone());
            self.commit(batch).await?;
        }
        Ok(())
    }

    /// Removes what a start left behind: finished blobs that no row came to name, and unfinished ones.
    async fn sweep(&self, start: u32) -> Result<(), Error> {
        let snapshot = self.snapshot()?;
        let is_needed = move |blob: BlobId| -> Result<bool, EngineError> {
            Ok(snapshot.has(&keys::count(blob))? || snapshot.has(&keys::garbage(blob))?)
        };
        let swept = self.blobs.sweep(start, is_needed, Arc::clone(&self.ending)).await?;
        let removed = swept.ok_or(Error::Unavailable("the store is closed"))?;
        if removed > 0 {
            tracing::info!(start, removed, "removed blobs that no row names");
        }
        self.delete([keys::start(start)]).await
    }

    async fn reclaim(&self) -> Result<(), Error> {
        let Some(engine) = self.engine.upgrade() else { return Ok(()) };
        let room = self.room.clone();
        let reclaimed =
            self.blobs.home().run(move || engine.reclaim(room.free_bytes()).map_err(std::io::Error::other));
        reclaimed.await.map_err(|error| Error::Fatal(error.to_string()))
    }

    async fn lay_ballast(&self) {
        let room = self.room.clone();
        let laid = self.blobs.home().run(move || {
            room.lay_ballast();
            Ok(())
        });
        if let Err(error) = laid.await {
            tracing::warn!(error = %error, "no room could be set aside");
        }
    }

    fn left_over(&self) -> Result<Vec<Chore>, Error> {
        let snapshot = self.snapshot()?;
        let rows = |kind| snapshot.scan(keys::all(kind), Order::Forward, usize::MAX);
        let mut left = Vec::new();
        let mut garbage = Vec::new();
        for (key, _) in rows(Kind::Garbage)? {
            garbage.push(BlobId::from_bytes(part(&key)?));
        }
        if !garbage.is_empty() {
            left.push(Chore::Remove(garbage));
        }
        for (key, _) in rows(Kind::Truncation)? {
            let log = bytes::Bytes::copy_from_slice(keys::rest(&key));
            left.push(Chore::Purge(Key::from_stored(log)?));
        }
        for (key, _) in rows(Kind::Start)? {
            let start = u32::from_be_bytes(part(&key)?);
            if start != self.blobs.start() {
                left.push(Chore::Sweep(start));
            }
        }
        Ok(left)
    }

    async fn delete(&self, keys: impl IntoIterator<Item = bytes::Bytes>) -> Result<(), Error> {
        let mut batch = Batch::new();
        for key in keys {
            batch.delete(Key::from_stored(key)?);
        }
        if batch.is_empty() { Ok(()) } else { self.commit(batch).await }
    }

    async fn commit(&self, batch: Batch) -> Result<(), Error> {
        let bytes = batch.check()?;
        let answer = self.queue.submit(batch, bytes).await?;
        answer.await.map_err(|_| Error::Unavailable("the store is closed"))??;
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot, Error> {
        let shared = self.shared.upgrade().ok_or(Error::Unavailable("the store is closed"))?;
        Ok(Snapshot::new(shared.state(), self.env.now()))
    }
}

/// All removals as one.
fn merged(chores: Vec<Chore>) -> Vec<Chore> {
    let mut blobs = Vec::new();
    let mut rest = Vec::new();
    for chore in chores {
        match chore {
            Chore::Remove(more) => blobs.extend(more),
            Chore::Purge(_) | Chore::Sweep(_) | Chore::Reclaim if rest.contains(&chore) => {}
            Chore::Purge(_) | Chore::Sweep(_) | Chore::Reclaim => rest.push(chore),
        }
    }
    if !blobs.is_empty() {
        rest.insert(0, Chore::Remove(blobs));
    }
    rest
}

fn part<const BYTES: usize>(key: &Key) -> Result<[u8; BYTES], EngineError> {
    keys::rest(key).try_into().map_err(|_| EngineError::corrupt("a row of the store's own has a wrong key"))
}
