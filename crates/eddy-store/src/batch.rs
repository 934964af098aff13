//! What a commit may carry. Plain data: decided by the store, inside the commit.

use bytes::Bytes;
use eddy_base::Timestamp;

use crate::blob::BlobId;
use crate::durable::{Error, Pos, Row};
use crate::key::{Cell, Key};
use crate::limits::{BATCH_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::log::Log;

/// What must hold for a batch to be applied. All are tested against the state before the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Absent(Key),
    Present(Key),
    /// The row was last written at this position; [`Pos::ZERO`] means that it is absent.
    At(Key, Pos),
    /// The counter is at least this; an absent one is 0.
    AtLeast(Key, i64),
}

/// A change of many rows at once: all or nothing.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) changes: Vec<Change>,
    pub(crate) attempt: Option<[u8; 16]>,
    pub(crate) across_cells: bool,
    appends: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put {
        key: Key,
        value: Bytes,
        until: Option<Timestamp>,
    },
    Delete {
        key: Key,
    },
    Add {
        key: Key,
        delta: i64,
    },
    Update {
        key: Key,
        by: UpdateId,
        args: Bytes,
    },
    Append {
        log: Log,
        value: Bytes,
    },
    Truncate {
        log: Log,
        before: u64,
    },
    Hold {
        blob: BlobId,
        home: Key,
    },
    Release {
        blob: BlobId,
        home: Key,
    },
    /// The store's own: deletes some of the records that a truncation has hidden for ever.
    Purge {
        log: Key,
    },
}

/// Finds the offset of an append in the answer: [`Committed::offset`](crate::Committed::offset).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended(pub usize);

/// The name of a registered [`Update`], such as `UpdateId("identity.grant")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpdateId(pub &'static str);

/// A pure function of (old row, arguments, position, time) that is called inside the commit, so that a change which
/// depends on the row needs no retry. No I/O, bounded CPU: every commit of the store waits while it runs.
#[derive(Clone, Copy)]
pub struct Update {
    pub id: UpdateId,
    pub apply: Apply,
}

/// See [`Update`].
pub type Apply = fn(old: Option<&Row>, args: &[u8], pos: Pos, now: Timestamp) -> Verdict;

/// What an [`Update`] wants to happen to its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Put {
        value: Bytes,
        output: Bytes,
    },
    Delete {
        output: Bytes,
    },
    /// The row stays as it is; the batch goes on.
    Keep {
        output: Bytes,
    },
    /// The whole batch is refused.
    Refuse {
        reason: Bytes,
    },
}

impl Batch {
    pub fn new() -> Batch {
        Batch::default()
    }

    pub fn absent(&mut self, key: Key) -> &mut Batch {
        self.condition(Condition::Absent(key))
    }

    pub fn present(&mut self, key: Key) -> &mut Batch {
        self.condition(Condition::Present(key))
    }

    /// The row was last written at `pos`; [`Pos::ZERO`] means that it is absent.
    pub fn at(&mut self, key: Key, pos: Pos) -> &mut Batch {
        self.condition(Condition::At(key, pos))
    }

    pub fn at_least(&mut self, key: Key, count: i64) -> &mut Batch {
        self.condition(Condition::AtLeast(key, count))
    }

    pub fn condition(&mut self, condition: Condition) -> &mut Batch {
        self.conditions.push(condition);
        self
    }

    pub fn put(&mut self, key: Key, value: impl Into<Bytes>) -> &mut Batch {
        self.change(Change::Put { key, value: value.into(), until: None })
    }

    /// The row is hidden from `until` on and later removed, silently: only for rows whose end causes no event.
    pub fn put_until(&mut self, key: Key, value: impl Into<Bytes>, until: Timestamp) -> &mut Batch {
        self.change(Change::Put { key, value: value.into(), until: Some(until) })
    }

    pub fn delete(&mut self, key: Key) -> &mut Batch {
        self.change(Change::Delete { key })
    }

    /// Adds to a counter: a row of an `i64`, little-endian, 0 when absent. Stops at the ends of `i64`.
    pub fn add(&mut self, key: Key, delta: i64) -> &mut Batch {
        self.change(Change::Add { key, delta })
    }

    /// Changes a row by a registered function. Its output is in [`Committed::outputs`](crate::Committed::outputs).
    pub fn update(&mut self, key: Key, by: UpdateId, args: impl Into<Bytes>) -> &mut Batch {
        self.change(Change::Update { key, by, args: args.into() })
    }

    /// Puts a record at the end of a log. Appends get their offsets last, in order; they may leave the cell.
    pub fn append(&mut self, log: Log, value: impl Into<Bytes>) -> Appended {
        self.change(Change::Append { log, value: value.into() });
        self.appends += 1;
        Appended(self.appends - 1)
    }

    /// Hides what the log holds before this offset, for good. The offsets of later records stay.
    pub fn truncate(&mut self, log: Log, before: u64) -> &mut Batch {
        self.change(Change::Truncate { log, before })
    }

    /// One more row names the blob. `home` names the cell its count lives in: the same for all holds of a blob.
    pub fn hold(&mut self, blob: BlobId, home: Key) -> &mut Batch {
        self.change(Change::Hold { blob, home })
    }

    /// One row less names the blob. With the last one its file goes.
    pub fn release(&mut self, blob: BlobId, home: Key) -> &mut Batch {
        self.change(Change::Release { blob, home })
    }

    /// Makes the batch safe to repeat: within 10 minutes a repeat gets the first answer and changes nothing. A
    /// refusal changed nothing, so it is not remembered and a repeat is decided anew.
    pub fn attempt(&mut self, id: [u8; 16]) -> &mut Batch {
        self.attempt = Some(id);
        self
    }

    /// Says that this batch may touch several cells. For transactions only: beyond one machine they cost more.
    pub fn across_cells(&mut self) -> &mut Batch {
        self.across_cells = true;
        self
    }

    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.changes.is_empty()
    }

    /// The cells of all conditions and changes but appends and truncates.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self.home_keys().map(Key::cell).collect();
        cells.sort();
        cells.dedup();
        cells
    }

    /// The store's own: some of what a truncation has hidden.
    pub(crate) fn purge(&mut self, log: Key) {
        self.change(Change::Purge { log });
    }

    /// Holds the batch against the limits and the one-cell rule, and gives its size in bytes.
    pub(crate) fn check(&self) -> Result<usize, Error> {
        let mut total = 0;
        for condition in &self.conditions {
            total += checked(condition.key(), 0)?;
        }
        for change in &self.changes {
            total += checked(change.key(), change.value_bytes())?;
        }
        if total > BATCH_BYTES_MAX {
            return Err(Error::TooLarge { limit_bytes: BATCH_BYTES_MAX });
        }
        self.check_home()?;
        Ok(total)
    }

    fn check_home(&self) -> Result<(), Error> {
        if self.across_cells {
            return Ok(());
        }
        let mut keys = self.home_keys();
        let Some(first) = keys.next() else { return Ok(()) };
        match keys.find(|key| !key.same_cell(first)) {
            Some(other) => Err(Error::Fatal(format!("a batch spans two cells, {first:?} and {other:?}"))),
            None => Ok(()),
        }
    }

    /// The keys of everything in it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.conditions.iter().map(Condition::key).chain(self.changes.iter().map(Change::key))
    }

    fn home_keys(&self) -> impl Iterator<Item = &Key> {
        let changes = self.changes.iter().filter(|change| change.is_at_home()).map(Change::key);
        self.conditions.iter().map(Condition::key).chain(changes)
    }

    fn change(&mut self, change: Change) -> &mut Batch {
        self.changes.push(change);
        self
    }
}

impl Condition {
    pub fn key(&self) -> &Key {
        match self {
            Condition::Absent(key)
            | Condition::Present(key)
            | Condition::At(key, _)
            | Condition::AtLeast(key, _) => key,
        }
    }
}

impl Change {
    pub(crate) fn key(&self) -> &Key {
        match self {
            Change::Put { key, .. }
            | Change::Delete { key }
            | Change::Add { key, .. }
            | Change::Update { key, .. } => key,
            Change::Append { log, .. } | Change::Truncate { log, .. } => &log.key,
            Change::Hold { home, .. } | Change::Release { home, .. } => home,
            Change::Purge { log } => log,
        }
    }

    /// Whether it must be in the batch's home cell: everything but what goes to logs.
    fn is_at_home(&self) -> bool {
        !matches!(self, Change::Append { .. } | Change::Truncate { .. } | Change::Purge { .. })
    }

    pub(crate) fn value_bytes(&self) -> usize {
        match self {
            Change::Put { value, .. } | Change::Append { value, .. } => value.len(),
            Change::Update { args, .. } => args.len(),
            Change::Delete { .. }
            | Change::Add { .. }
            | Change::Truncate { .. }
            | Change::Hold { .. }
            | Change::Release { .. }
            | Change::Purge { .. } => 16,
        }
    }
}

impl std::fmt::Debug for Update {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Update").field(&self.id.0).finish()
    }
}

fn checked(key: &Key, value_bytes: usize) -> Result<usize, Error> {
    if key.as_bytes().len() > KEY_BYTES_MAX {
        return Err(Error::TooLarge { limit_bytes: KEY_BYTES_MAX });
    }
    if value_bytes > VALUE_BYTES_MAX {
        return Err(Error::TooLarge { limit_bytes: VALUE_BYTES_MAX });
    }
    Ok(key.as_bytes().len() + value_bytes)
}
