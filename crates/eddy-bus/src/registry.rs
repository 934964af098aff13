//! Who is subscribed to what, and where each log ends: a fold over the commits of the bus's space.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eddy_base::{Id, Scope};
use eddy_store::{Applied, Order, Pos, Snapshot};
use tokio::sync::Notify;

use crate::error::Error;
use crate::keys::{self, Named, Place, SPACE};
use crate::rows::{Enrolled, Entry, Set};
use crate::{Dead, Source};

/// Shared between the callers of the bus, the commit thread and the dispatcher.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
    /// Something was touched.
    pub(crate) woken: Notify,
}

#[derive(Debug, Default)]
struct State {
    sources: HashMap<Source, Known>,
    /// Whether there is a dispatcher that takes what follows.
    attached: bool,
    /// In an order that does not vary from run to run.
    touched: BTreeSet<Source>,
    unindexed: Vec<Indexed>,
    pos: Pos,
}

/// What is known about one source.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    pub(crate) lines: Arc<[Enrolled]>,
    pos: Pos,
    /// The next offset of its log, as far as this process has seen it grow.
    pub(crate) head: u64,
    /// The first offset that the index was told of since there is a dispatcher.
    pub(crate) indexed_from: Option<u64>,
}

/// A record that the index must learn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub(crate) id: Id,
    pub(crate) source: Source,
    pub(crate) place: Place,
}

/// What the dispatcher has to look at.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) sources: Vec<(Source, Known)>,
    pub(crate) unindexed: Vec<Indexed>,
    /// A snapshot shows all of it from this position on.
    pub(crate) pos: Pos,
}

impl Known {
    pub(crate) fn active(&self) -> impl Iterator<Item = &Enrolled> {
        self.lines.iter().filter(|line| line.closed_by.is_none())
    }
}

impl Registry {
    /// Reads all subscriptions. The set is the first row of a source's cell, so one look into each cell finds it.
    pub(crate) fn load(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let mut range = SPACE.range();
        loop {
            let mut first = None;
            snapshot.each(range.clone(), Order::Forward, |key, row| {
                first = Some((key, row));
                ControlFlow::Break(())
            })?;
            let Some((key, row)) = first else { return Ok(()) };
            if let Named::Set(source) = keys::read(&key) {
                let set: Set =
                    minicbor::decode(&row.value).map_err(|_| Error::Unreadable("a set of subscriptions"))?;
                self.learn(&mut self.lock(), source, set, row.pos);
            }
            range = range.beyond(&key.cell().range());
        }
    }

    /// One commit. On the commit thread: no reads, no waiting.
    pub(crate) fn fold(&self, applied: &Applied) {
        let mut state = self.lock();
        for (key, row) in &applied.rows {
            let Named::Set(source) = keys::read(key) else { continue };
            let set = row.as_ref().map_or(Some(Set::default()), |row| minicbor::decode(&row.value).ok());
            match set {
                Some(set) => self.learn(&mut state, source, set, applied.pos),
                None => tracing::error!(?source, "a set of subscriptions cannot be read"),
            }
        }
        for (log, offset, value) in &applied.appended {
            match keys::read(&log.key) {
                Named::Log(source) => {
                    if state.attached
                        && let Some(id) = Entry::peek_id(value)
                    {
                        let place = Place::Event { offset: *offset };
                        state.unindexed.push(Indexed { id, source: source.clone(), place });
                    }
                    let is_attached = state.attached;
                    let known = state.sources.entry(source.clone()).or_default();
                    known.head = known.head.max(offset + 1);
                    if is_attached {
                        known.indexed_from.get_or_insert(*offset);
                    }
                    state.touched.insert(source);
                }
                Named::DeadLog(_) if state.attached => {
                    if let Ok(dead) = minicbor::decode::<Dead>(value) {
                        let (id, place) = (dead.event.id, Place::Dead { offset: *offset });
                        state.unindexed.push(Indexed { id, source: dead.event.source, place });
                    }
                }
                Named::DeadLog(_) | Named::Set(_) | Named::Other => {}
            }
        }
        state.pos = state.pos.max(applied.pos);
        if state.attached && !(state.touched.is_empty() && state.unindexed.is_empty()) {
            self.woken.notify_one();
        }
    }

    /// From now on there is a dispatcher. Everything counts as touched.
    pub(crate) fn attach(&self) {
        let mut state = self.lock();
        state.attached = true;
        let all: Vec<Source> = state.sources.keys().cloned().collect();
        state.touched.extend(all);
        self.woken.notify_one();
    }

    /// What was touched since the last time, at most `sources_max` sources of it.
    pub(crate) fn take_touched(&self, sources_max: usize) -> Touched {
        let mut state = self.lock();
        let some: Vec<Source> = std::iter::from_fn(|| state.touched.pop_first()).take(sources_max).collect();
        let sources = some.into_iter().map(|source| {
            let known = state.sources.get(&source).cloned().unwrap_or_default();
            (source, known)
        });
        let sources = sources.collect();
        Touched { sources, unindexed: std::mem::take(&mut state.unindexed), pos: state.pos }
    }

    /// The accounts and regions that have sources.
    pub(crate) fn scopes(&self) -> BTreeSet<Scope> {
        self.lock().sources.keys().map(|source| source.scope().clone()).collect()
    }

    pub(crate) fn known(&self, source: &Source) -> Option<Known> {
        self.lock().sources.get(source).cloned()
    }

    /// Whether an event of this source has anyone to go to.
    pub(crate) fn is_wanted(&self, source: &Source) -> bool {
        self.lock().sources.get(source).is_some_and(|known| known.active().next().is_some())
    }

    fn learn(&self, state: &mut State, source: Source, set: Set, pos: Pos) {
        let known = state.sources.entry(source.clone()).or_default();
        if pos >= known.pos {
            known.pos = pos;
            known.lines = set.lines.into();
            state.touched.insert(source);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
