//! What the commit thread tells the rest after each group: the new state, the changes, that something happened.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::watch;

use crate::committer::{Commit, RowChange};
use crate::durable::{Pos, Row};
use crate::engine::View;
use crate::key::{Cell, Key, Space};
use crate::keys::STORE_TAG;
use crate::log::Log;

/// One commit, as much of it as lies in one space.
#[derive(Clone, Debug)]
pub struct Applied {
    pub pos: Pos,
    /// The changed rows as the commit left them; none is deleted.
    pub rows: Vec<(Key, Option<Row>)>,
    /// The appended records with their offsets.
    pub appended: Vec<(Log, u64, Bytes)>,
}

/// Keeps a fold alive; see [`Store::follow`](crate::Store::follow).
#[must_use = "dropping it ends the fold"]
pub struct Follower {
    number: usize,
    shared: Arc<Shared>,
}

/// What can be watched.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Topic(Watched, Bytes);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Watched {
    Key,
    Log,
    Cell,
}

/// Wakes when its topic has changed. Wake-ups are coalesced; the truth is the store.
pub struct Watch {
    topic: Topic,
    changed: Option<watch::Receiver<()>>,
    shared: Arc<Shared>,
}

/// The state after a group.
pub(crate) struct State {
    pub(crate) pos: Pos,
    pub(crate) view: Arc<dyn View>,
}

pub(crate) struct Shared {
    state: RwLock<Arc<State>>,
    followers: Mutex<Followers>,
    watchers: Mutex<HashMap<Topic, watch::Sender<()>>>,
    watcher_count: AtomicUsize,
}

#[derive(Default)]
struct Followers {
    next: usize,
    folds: Vec<(usize, Space, Fold)>,
}

type Fold = Box<dyn FnMut(&Applied) + Send>;

impl Shared {
    pub(crate) fn new(pos: Pos, view: Arc<dyn View>) -> Shared {
        Shared {
            state: RwLock::new(Arc::new(State { pos, view })),
            followers: Mutex::default(),
            watchers: Mutex::default(),
            watcher_count: AtomicUsize::new(0),
        }
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn view(&self) -> Arc<dyn View> {
        Arc::clone(&self.state().view)
    }

    /// Hands the changes to the folds, then shows the new state. Both under the lock that a new fold takes, so that
    /// its first change is the one after the state it began with.
    pub(crate) fn publish(&self, pos: Pos, view: Arc<dyn View>, changes: &[RowChange], commits: &[Commit]) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, space, fold) in &mut followers.folds {
            for commit in commits {
                if let Some(applied) = commit.within(*space, changes) {
                    fold(&applied);
                }
            }
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(State { pos, view });
    }

    pub(crate) fn follow(self: &Arc<Shared>, space: Space, fold: Fold) -> (Arc<State>, Follower) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = followers.next;
        followers.next += 1;
        followers.folds.push((number, space, fold));
        (self.state(), Follower { number, shared: Arc::clone(self) })
    }

    pub(crate) fn watch(self: &Arc<Shared>, topic: Topic) -> Watch {
        let mut watchers = self.watchers();
        let changed = watchers.entry(topic.clone()).or_insert_with(|| watch::Sender::new(())).subscribe();
        self.watcher_count.store(watchers.len(), Ordering::Release);
        Watch { topic, changed: Some(changed), shared: Arc::clone(self) }
    }

    /// Wakes whoever watches what has changed.
    pub(crate) fn wake(&self, changes: &[RowChange], commits: &[Commit]) {
        if self.watcher_count.load(Ordering::Acquire) == 0 {
            return;
        }
        let watchers = self.watchers();
        let wake = |topic: Topic| {
            if let Some(sender) = watchers.get(&topic) {
                sender.send_replace(());
            }
        };
        for change in changes.iter().filter(|change| change.key.first() != Some(&STORE_TAG)) {
            wake(Topic(Watched::Key, change.key.clone()));
            if let Ok(key) = Key::from_stored(change.key.clone()) {
                wake(Topic::of_cell(&key.cell()));
            }
        }
        for (log, _, _) in commits.iter().flat_map(|commit| &commit.appended) {
            wake(Topic::of_log(log));
            wake(Topic::of_cell(&log.key.cell()));
        }
    }

    fn watchers(&self) -> MutexGuard<'_, HashMap<Topic, watch::Sender<()>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commit {
    fn within(&self, space: Space, changes: &[RowChange]) -> Option<Applied> {
        let is_wanted = |change: &&RowChange| {
            change.key.first() == Some(&space.tag) && change.is_last_before(self.rows.end)
        };
        let rows = changes[self.rows.clone()].iter().filter(is_wanted).filter_map(|change| {
            let key = Key::from_stored(change.key.clone()).ok()?;
            Some((key, change.stored.as_ref().map(|stored| stored.row.clone())))
        });
        let appended = self.appended.iter().filter(|(log, _, _)| log.key.tag() == space.tag);
        let applied = Applied { pos: self.pos, rows: rows.collect(), appended: appended.cloned().collect() };
        (!applied.rows.is_empty() || !applied.appended.is_empty()).then_some(applied)
    }
}

impl Topic {
    pub fn of_key(key: &Key) -> Topic {
        Topic(Watched::Key, key.to_bytes())
    }

    pub fn of_log(log: &Log) -> Topic {
        Topic(Watched::Log, log.key.to_bytes())
    }

    /// Any row or log of the cell.
    pub fn of_cell(cell: &Cell) -> Topic {
        Topic(Watched::Cell, Bytes::copy_from_slice(cell.as_bytes()))
    }
}

impl Watch {
    /// Ends when something has changed since the watch was made or last ended. Read the store *after* making the
    /// watch, and again after each wake-up. Never ends once the store is closed.
    pub async fn changed(&mut self) {
        if let Some(changed) = &mut self.changed
            && changed.changed().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.changed = None;
        let mut watchers = self.shared.watchers();
        if watchers.get(&self.topic).is_some_and(|sender| sender.receiver_count() == 0) {
            watchers.remove(&self.topic);
        }
        self.shared.watcher_count.store(watchers.len(), Ordering::Release);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let gone = {
            let mut followers = self.shared.followers.lock().unwrap_or_else(PoisonError::into_inner);
            let at = followers.folds.iter().position(|(number, _, _)| *number == self.number);
            at.map(|at| followers.folds.remove(at))
        };
        // Outside the lock, which the commit thread takes: the fold may hold the last clone of the store, whose end
        // waits for that thread.
        drop(gone);
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Follower").field(&self.number).finish()
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Watch").field(&self.topic).finish()
    }
}
