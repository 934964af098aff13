//! One running guest of a function with all that belongs to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eddy_base::{Cause, Id};
use eddy_runtime::Guest;
use eddy_telemetry::Telemetry;

use crate::capacity::Permit;
use crate::keys::Name;
use crate::output::Output;
use crate::package::Folder;

/// An environment. It is owned by the pool while idle and by a lease while at work.
pub(crate) struct Environment {
    /// Boxed, since environments are moved at each invocation.
    pub(crate) guest: Box<Guest>,
    /// The build of the function that it was started for.
    pub(crate) build: Id,
    pub(crate) output: Arc<Output>,
    /// When it was started, of the monotonic clock.
    pub(crate) born: Duration,
    /// When it had its last work, of the monotonic clock.
    pub(crate) idle_since: Duration,
    pub(crate) frozen: bool,
    /// Taken by the first invocation, which reports it.
    pub(crate) init: Option<Initialized>,
    pub(crate) presence: Presence,
    pub(crate) _alive: Alive,
    /// Gone last: the folder while the guest may read it, the permit while it takes room.
    pub(crate) _folder: Arc<Folder>,
    pub(crate) _permit: Permit,
}

/// How an environment was initialized, and how long that took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Initialized {
    /// At once: for itself, with a time of its own.
    First(Duration),
    /// The first try failed. The second is part of the invocation that it was made for, and of its time-out.
    Second(Duration),
}

/// What an environment is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub function: Name,
    /// The cause of whatever the environment does now. Stays after the invocation has ended, for what the
    /// function left running.
    pub cause: Cause,
}

/// Counts an environment of a function while it lives.
pub(crate) struct Alive {
    telemetry: Telemetry,
    function: String,
    count: Arc<AtomicUsize>,
}

/// All environments that live, by id.
#[derive(Clone, Default)]
pub(crate) struct Register {
    entries: Arc<Mutex<HashMap<Id, Entry>>>,
}

type Entry = Arc<Mutex<Option<Activity>>>;

/// An environment's entry in the register; it goes when this is dropped.
pub(crate) struct Presence {
    id: Id,
    entry: Entry,
    register: Register,
}

impl Alive {
    pub(crate) fn new(telemetry: Telemetry, function: String, count: Arc<AtomicUsize>) -> Alive {
        let alive = count.fetch_add(1, Ordering::Relaxed) + 1;
        telemetry.metrics().environments(&function, alive);
        Alive { telemetry, function, count }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let alive = self.count.fetch_sub(1, Ordering::Relaxed) - 1;
        self.telemetry.metrics().environments(&self.function, alive);
    }
}

impl Register {
    pub(crate) fn enter(&self, id: Id) -> Presence {
        let entry = Entry::default();
        self.entries().insert(id, Arc::clone(&entry));
        Presence { id, entry, register: self.clone() }
    }

    pub(crate) fn activity(&self, id: Id) -> Option<Activity> {
        let entry = Arc::clone(self.entries().get(&id)?);
        lock(&entry).clone()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Id, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    pub(crate) fn begins(&self, activity: Activity) {
        *lock(&self.entry) = Some(activity);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.register.entries().remove(&self.id);
    }
}

fn lock(entry: &Entry) -> MutexGuard<'_, Option<Activity>> {
    entry.lock().unwrap_or_else(PoisonError::into_inner)
}
