//! The end of a store, as its work on the disk sees it: what is long stops when it can, and the rest is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, OwnedRwLockReadGuard, RwLock};

/// Shared by the store, its housekeeping and the home of its blobs.
#[derive(Default)]
pub(crate) struct Ending {
    has_begun: AtomicBool,
    keeper: Notify,
    /// Read by each piece of work on the disk, as long as it goes on: whoever asked for it may be gone before.
    work: Arc<RwLock<()>>,
}

impl Ending {
    /// The housekeeping is to end.
    pub(crate) fn begin(&self) {
        self.has_begun.store(true, Ordering::Release);
        self.keeper.notify_one();
    }

    /// For work that can be cut short.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Waits for the beginning of the end. Only the housekeeping does.
    pub(crate) async fn begun(&self) {
        self.keeper.notified().await;
    }

    /// A piece of work is under way as long as this is kept.
    pub(crate) async fn work(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.work).read_owned().await
    }

    /// Waits for all work that is under way.
    pub(crate) async fn worked(&self) {
        drop(self.work.write().await);
    }
}
