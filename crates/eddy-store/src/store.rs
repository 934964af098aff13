//! The store itself: cheap to clone, the one way to change anything.

use std::sync::Arc;

use eddy_base::{Env, Task};

use crate::batch::Batch;
use crate::blob::Blobs;
use crate::drive::Drive;
use crate::durable::{Durable, Error};
use crate::ending::Ending;
use crate::key::Space;
use crate::open::{OpenError, Options};
use crate::publish::{Applied, Follower, Shared, Topic, Watch};
use crate::queue::Queue;
use crate::snapshot::Snapshot;

/// The one durable thing. All clones are the same store; it ends with [`Store::close`] or with the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) env: Arc<dyn Env>,
    /// The tags of the registered spaces.
    pub(crate) tags: Vec<u8>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) blobs: Blobs,
    pub(crate) keeper: std::sync::Mutex<Option<Task>>,
    pub(crate) ending: Arc<Ending>,
    pub(crate) drive: Drive,
    /// What is to be let go after everything else has ended: the lock of the folder, a test's folder. Last, since
    /// fields are dropped in order.
    pub(crate) _last: Box<dyn std::any::Any + Send + Sync>,
}

impl Store {
    /// Opens the store in a folder, or makes it. To be called where tasks can be spawned.
    ///
    /// # Errors
    /// [`OpenError`] when the folder cannot be used, holds what cannot be read or less than was acknowledged, or the
    /// options contradict themselves.
    pub fn open(options: Options) -> Result<Store, OpenError> {
        crate::open::open(options, Box::new(()))
    }

    pub(crate) fn new(inner: Inner) -> Store {
        Store { inner: Arc::new(inner) }
    }

    /// Applies a batch, or refuses it, and gives `value` back once the answer is on disk.
    ///
    /// Cancelling the future does not take the batch back.
    ///
    /// # Errors
    /// See [`Error`]. Only [`Error::Fatal`] leaves open whether the batch took effect.
    pub async fn commit<T>(&self, batch: Batch, value: T) -> Result<Durable<T>, Error> {
        let bytes = self.check(&batch)?;
        let answer = self.inner.queue.submit(batch, bytes).await?;
        match answer.await {
            Ok(Ok(committed)) => Ok(Durable::new(value, committed)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Fatal("the commit thread has ended".into())),
        }
    }

    /// Applies a batch some time within a second, with the next group if one comes earlier. For what guests print,
    /// metrics and traces: its loss in a crash is acceptable, and a refusal is not heard of.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when more is waiting than the disk takes.
    pub fn record(&self, batch: Batch) -> Result<(), Error> {
        let bytes = self.check(&batch)?;
        self.inner.queue.record(batch, bytes)
    }

    /// The state after the last group. It holds every commit whose [`Durable`] has been handed out.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.inner.shared.state(), self.inner.env.now())
    }

    /// Watches a row, a log or a cell.
    pub fn watch(&self, topic: Topic) -> Watch {
        self.inner.shared.watch(topic)
    }

    /// Calls `fold` for each commit that changes something in `space`, in order, on the commit thread, after the
    /// commit is on disk and before its waiters are woken. It must be quick, must not block, and must not call
    /// `follow`. A fold that panics ends the store.
    pub fn follow(&self, space: Space, fold: impl FnMut(&Applied) + Send + 'static) -> Follower {
        self.follow_from(space, fold).1
    }

    /// As [`Store::follow`], with the state that the first call builds on: nothing is missed between the two.
    pub fn follow_from(
        &self,
        space: Space,
        fold: impl FnMut(&Applied) + Send + 'static,
    ) -> (Snapshot, Follower) {
        let (state, follower) = self.inner.shared.follow(space, Box::new(fold));
        (Snapshot::new(state, self.inner.env.now()), follower)
    }

    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    pub fn env(&self) -> &Arc<dyn Env> {
        &self.inner.env
    }

    /// Takes no more batches, commits those that wait, and ends; work on the disk that is under way is waited for,
    /// and what can be left to the next start is cut short. Other clones then answer [`Error::Unavailable`].
    pub async fn close(self) {
        self.inner.queue.close();
        self.inner.drive.ended().await;
        self.inner.end_keeper().await;
        self.inner.ending.worked().await;
    }
}

impl Store {
    /// Holds a batch against the limits, the one-cell rule and the registered spaces; gives its size in bytes.
    fn check(&self, batch: &Batch) -> Result<usize, Error> {
        match batch.keys().find(|key| !self.inner.tags.contains(&key.tag())) {
            Some(key) => Err(Error::Fatal(format!("the space of {key:?} is not registered"))),
            None => batch.check(),
        }
    }
}

impl Inner {
    async fn end_keeper(&self) {
        self.ending.begin();
        let Some(keeper) = self.keeper() else { return };
        if keeper.join().await.is_err() {
            tracing::error!("the housekeeping panicked");
        }
    }

    fn keeper(&self) -> Option<Task> {
        self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        self.ending.begin();
        drop(self.keeper());
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("pos", &self.inner.shared.state().pos).finish()
    }
}
