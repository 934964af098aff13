//! When to look at which pool's idle environments. Pools plan one look at a time, so this holds at most one entry
//! for each, and nothing wakes while nothing is idle.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::Shared;
use crate::pool::Pool;

#[derive(Default)]
pub(crate) struct Looks {
    planned: Mutex<BinaryHeap<Look>>,
    earlier: Notify,
}

struct Look {
    due: Duration,
    pool: Weak<Pool>,
}

impl Looks {
    pub(crate) fn plan(&self, due: Duration, pool: &Arc<Pool>) {
        let first = {
            let mut planned = self.planned();
            let first = planned.peek().is_none_or(|look| due < look.due);
            planned.push(Look { due, pool: Arc::downgrade(pool) });
            first
        };
        if first {
            self.earlier.notify_one();
        }
    }

    /// Carries out looks as they come due. Ends with what it looks after.
    pub(crate) async fn run(self: Arc<Looks>, shared: Weak<Shared>) {
        loop {
            let Some(env) = shared.upgrade().map(|shared| Arc::clone(shared.env())) else { return };
            let due = self.planned().peek().map(|look| look.due);
            match due.map(|due| due.saturating_sub(env.monotonic())) {
                None => self.earlier.notified().await,
                Some(Duration::ZERO) => {
                    let look = self.planned().pop();
                    let Some(shared) = shared.upgrade() else { return };
                    if let Some(pool) = look.and_then(|look| look.pool.upgrade()) {
                        shared.look_at(&pool);
                    }
                }
                Some(wait) => {
                    tokio::select! {
                        biased;
                        () = self.earlier.notified() => {}
                        () = env.sleep(wait) => {}
                    }
                }
            }
        }
    }

    fn planned(&self) -> MutexGuard<'_, BinaryHeap<Look>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ord for Look {
    /// The heap gives the greatest first: that is the earliest.
    fn cmp(&self, other: &Look) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl PartialOrd for Look {
    fn partial_cmp(&self, other: &Look) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Look {
    fn eq(&self, other: &Look) -> bool {
        self.due == other.due
    }
}

impl Eq for Look {}
