//! Decides one batch against the group so far. A function of values: it writes nothing but the overlay.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use eddy_base::Timestamp;
use minicbor::bytes::ByteVec;

use super::hot::Hot;
use super::newest::Newest;
use super::overlay::Overlay;
use crate::batch::{Apply, Batch, Change, Condition, UpdateId, Verdict};
use crate::blob::{BlobId, Ledger};
use crate::durable::{Committed, Error, Pos, Refusal, Refused, Row};
use crate::engine::EngineError;
use crate::key::Key;
use crate::keys::{self, Answer, Count, Stored};
use crate::limits::{ATTEMPT_SPAN, PURGE_RECORDS};
use crate::log::{Log, Segment};

/// What does not change from group to group, or only slowly.
pub(crate) struct Rules {
    pub(crate) updates: HashMap<UpdateId, Apply>,
    pub(crate) segments: Newest,
    pub(crate) ledger: Ledger,
}

pub(crate) enum Decision {
    /// The overlay has its changes; the position is used up.
    Applied {
        committed: Committed,
        appended: Vec<Entry>,
        chores: Chores,
    },
    /// Nothing changes.
    Unchanged(Committed),
    Refused(Refusal),
    /// The batch breaks a rule that its caller should have kept.
    Wrong(String),
}

/// A record that was appended: its log, offset and value.
pub(crate) type Entry = (Log, u64, Bytes);

/// What is to be done outside the engine once the batch is on disk.
#[derive(Default, Debug)]
pub(crate) struct Chores {
    /// Blobs that have got their first row.
    pub(crate) named: Vec<BlobId>,
    /// Blobs that have lost their last row.
    pub(crate) dropped: Vec<BlobId>,
    /// Logs with records that nobody will read any more.
    pub(crate) truncated: Vec<Key>,
}

/// Why a batch goes no further.
enum Stop {
    Refused(Refusal),
    Wrong(String),
    Engine(EngineError),
}

pub(crate) fn decide(
    batch: &Batch,
    pos: Pos,
    rules: &mut Rules,
    overlay: &mut Overlay,
    hot: &mut Hot,
) -> Result<Decision, EngineError> {
    overlay.begin();
    let mut deciding = Deciding {
        pos,
        rules,
        overlay,
        hot,
        committed: Committed { pos, ..Committed::default() },
        chores: Chores::default(),
    };
    match deciding.run(batch) {
        Ok(decision) => Ok(decision),
        Err(stop) => {
            deciding.rules.ledger.unclaim(&deciding.chores.named);
            overlay.roll_back();
            match stop {
                Stop::Refused(refusal) => Ok(Decision::Refused(refusal)),
                Stop::Wrong(what) => Ok(Decision::Wrong(what)),
                Stop::Engine(error) => Err(error),
            }
        }
    }
}

struct Deciding<'a> {
    pos: Pos,
    rules: &'a mut Rules,
    overlay: &'a mut Overlay,
    hot: &'a mut Hot,
    committed: Committed,
    chores: Chores,
}

impl Deciding<'_> {
    fn run(&mut self, batch: &Batch) -> Result<Decision, Stop> {
        if let Some(first) = self.first_answer(batch)? {
            return Ok(Decision::Unchanged(first));
        }
        for (index, condition) in batch.conditions.iter().enumerate() {
            self.test(index, condition)?;
        }
        let mut is_changed = false;
        for change in &batch.changes {
            is_changed |= self.apply(change)?;
        }
        let appended = self.append(&batch.changes)?;
        if !is_changed && appended.is_none() {
            return Ok(Decision::Unchanged(std::mem::take(&mut self.committed)));
        }
        self.remember(batch.attempt);
        Ok(Decision::Applied {
            committed: std::mem::take(&mut self.committed),
            appended: appended.unwrap_or_default(),
            chores: std::mem::take(&mut self.chores),
        })
    }

    fn first_answer(&mut self, batch: &Batch) -> Result<Option<Committed>, Stop> {
        let Some(id) = &batch.attempt else { return Ok(None) };
        let Some(stored) = self.get(&keys::attempt(id))? else { return Ok(None) };
        let answer: Answer = minicbor::decode(&stored.row.value).map_err(EngineError::from)?;
        let outputs = answer.outputs.into_iter().map(|output| Vec::from(output).into()).collect();
        Ok(Some(Committed { pos: answer.pos, offsets: answer.offsets, outputs }))
    }

    fn remember(&mut self, attempt: Option<[u8; 16]>) {
        let Some(id) = attempt else { return };
        let outputs = self.committed.outputs.iter().map(|output| ByteVec::from(output.to_vec())).collect();
        let answer = Answer { pos: self.pos, offsets: self.committed.offsets.clone(), outputs };
        let value = minicbor::to_vec(&answer).expect("encoding into memory does not fail");
        let until = Some(self.now().plus(ATTEMPT_SPAN));
        self.overlay.set(keys::attempt(&id), Some(Stored { until, ..Stored::new(self.pos, value) }));
    }

    fn test(&mut self, index: usize, condition: &Condition) -> Result<(), Stop> {
        let key = condition.key();
        let current = self.get(&key.to_bytes())?.map(|stored| stored.row);
        let holds = match condition {
            Condition::Absent(_) => current.is_none(),
            Condition::Present(_) => current.is_some(),
            Condition::At(_, pos) => current.as_ref().map_or(Pos::ZERO, |row| row.pos) == *pos,
            Condition::AtLeast(_, least) => counter(key, current.as_ref())? >= *least,
        };
        if holds {
            return Ok(());
        }
        Err(Stop::Refused(Refusal { condition: Refused::Condition(index), current }))
    }

    /// Applies everything but what goes to logs. True when a row changed.
    fn apply(&mut self, change: &Change) -> Result<bool, Stop> {
        match change {
            Change::Put { key, value, until } => {
                let stored = Stored { until: *until, ..Stored::new(self.pos, value.clone()) };
                self.overlay.set(key.to_bytes(), Some(stored));
            }
            Change::Delete { key } => self.overlay.set(key.to_bytes(), None),
            Change::Add { key, delta } => self.add(key, *delta)?,
            Change::Update { key, by, args } => return self.update(key, *by, args),
            Change::Hold { blob, home } => self.hold(*blob, home)?,
            Change::Release { blob, home } => self.release(*blob, home)?,
            Change::Append { .. } | Change::Truncate { .. } | Change::Purge { .. } => return Ok(false),
        }
        Ok(true)
    }

    fn add(&mut self, key: &Key, delta: i64) -> Result<(), Stop> {
        let current = self.get(&key.to_bytes())?;
        let sum = counter(key, current.as_ref().map(|stored| &stored.row))?.saturating_add(delta);
        let value = Bytes::copy_from_slice(&sum.to_le_bytes());
        self.overlay.set(key.to_bytes(), Some(Stored::new(self.pos, value)));
        Ok(())
    }

    fn update(&mut self, key: &Key, by: UpdateId, args: &Bytes) -> Result<bool, Stop> {
        let Some(apply) = self.rules.updates.get(&by).copied() else {
            return Err(Stop::Wrong(format!("no update {} is registered", by.0)));
        };
        let current = self.get(&key.to_bytes())?.map(|stored| stored.row);
        let (pos, now) = (self.pos, self.now());
        // A panic in there must cost its own batch only, not the commit thread.
        let verdict = catch_unwind(AssertUnwindSafe(|| apply(current.as_ref(), args, pos, now)))
            .map_err(|_| Stop::Wrong(format!("the update {} panicked", by.0)))?;
        let (output, is_changed) = match verdict {
            Verdict::Put { value, output } => {
                self.overlay.set(key.to_bytes(), Some(Stored::new(pos, value)));
                (output, true)
            }
            Verdict::Delete { output } => {
                self.overlay.set(key.to_bytes(), None);
                (output, true)
            }
            Verdict::Keep { output } => (output, false),
            Verdict::Refuse { reason } => {
                let index = self.committed.outputs.len();
                return Err(Stop::Refused(Refusal { condition: Refused::Update { index, reason }, current }));
            }
        };
        self.committed.outputs.push(output);
        Ok(is_changed)
    }

    fn hold(&mut self, blob: BlobId, home: &Key) -> Result<(), Stop> {
        let count = match self.count(blob, home)? {
            Some(count) => Count { holds: count.holds + 1, ..count },
            None => {
                if !self.rules.ledger.claim(blob) {
                    return Err(Stop::Wrong(format!("blob {blob:?} is held after it was dropped")));
                }
                self.chores.named.push(blob);
                Count { holds: 1, home: home.cell().as_bytes().to_vec() }
            }
        };
        self.set_count(blob, Some(count));
        Ok(())
    }

    fn release(&mut self, blob: BlobId, home: &Key) -> Result<(), Stop> {
        let Some(count) = self.count(blob, home)? else {
            return Err(Stop::Wrong(format!("blob {blob:?} is released more often than held")));
        };
        if count.holds > 1 {
            self.set_count(blob, Some(Count { holds: count.holds - 1, ..count }));
            return Ok(());
        }
        self.set_count(blob, None);
        self.overlay.set(keys::garbage(blob), Some(Stored::new(self.pos, Bytes::new())));
        self.chores.dropped.push(blob);
        Ok(())
    }

    fn count(&mut self, blob: BlobId, home: &Key) -> Result<Option<Count>, Stop> {
        let Some(stored) = self.get(&keys::count(blob))? else { return Ok(None) };
        let count: Count = minicbor::decode(&stored.row.value).map_err(EngineError::from)?;
        if count.home != home.cell().as_bytes() {
            return Err(Stop::Wrong(format!("blob {blob:?} does not have its home in {:?}", home.cell())));
        }
        Ok(Some(count))
    }

    fn set_count(&mut self, blob: BlobId, count: Option<Count>) {
        let stored = count.map(|count| {
            let value = minicbor::to_vec(&count).expect("encoding into memory does not fail");
            Stored::new(self.pos, value)
        });
        self.overlay.set(keys::count(blob), stored);
    }

    /// Does what goes to logs, last, so that it never has to be undone. None when nothing does.
    fn append(&mut self, changes: &[Change]) -> Result<Option<Vec<Entry>>, Stop> {
        let mut appended = None;
        for change in changes {
            match change {
                Change::Append { log, value } => {
                    let offset = self.append_one(log, value)?;
                    appended.get_or_insert_with(Vec::new).push((log.clone(), offset, value.clone()));
                }
                Change::Truncate { log, before } => {
                    self.truncate(&log.key, *before)?;
                    appended.get_or_insert_with(Vec::new);
                }
                Change::Purge { log } => {
                    self.purge(log)?;
                    appended.get_or_insert_with(Vec::new);
                }
                Change::Put { .. }
                | Change::Delete { .. }
                | Change::Add { .. }
                | Change::Update { .. }
                | Change::Hold { .. }
                | Change::Release { .. } => {}
            }
        }
        Ok(appended)
    }

    fn append_one(&mut self, log: &Log, value: &[u8]) -> Result<u64, Stop> {
        let now = self.now();
        let segment = self.rules.segments.of(log.retention, now);
        let name = log.key.to_bytes();
        let offset = self.overlay.head(self.hot, &name)?.take(segment, now);
        self.overlay.append(segment, &name, offset, value);
        self.committed.offsets.push(offset);
        Ok(offset)
    }

    fn truncate(&mut self, log: &Key, before: u64) -> Result<(), Stop> {
        let head = self.overlay.head(self.hot, &log.to_bytes())?;
        let from = head.truncated;
        head.truncate(before);
        let leaves_records = head.kept_for_ever(from..head.truncated).next().is_some();
        let key = keys::truncation(log.as_bytes());
        if leaves_records && self.get(&key)?.is_none() {
            self.overlay.set(key, Some(Stored::new(self.pos, from.to_be_bytes().to_vec())));
        }
        if leaves_records {
            self.chores.truncated.push(log.clone());
        }
        Ok(())
    }

    /// Deletes some of the records that were truncated in segments that are never dropped.
    fn purge(&mut self, log: &Key) -> Result<(), Stop> {
        let key = keys::truncation(log.as_bytes());
        let Some(stored) = self.get(&key)? else { return Ok(()) };
        let wrong = EngineError::corrupt("a truncation has no offset");
        let from = u64::from_be_bytes(stored.row.value[..].try_into().map_err(|_| wrong)?);
        let head = self.overlay.head(self.hot, &log.to_bytes())?;
        let to = head.truncated.min(from.saturating_add(PURGE_RECORDS));
        let is_done = to == head.truncated;
        let records: Vec<(Segment, u64)> = head.kept_for_ever(from..to).collect();
        if is_done {
            head.forget_truncated();
        }
        for (segment, offset) in records {
            self.overlay.delete_record(segment, log.as_bytes(), offset);
        }
        let rest = (!is_done).then(|| Stored::new(self.pos, to.to_be_bytes().to_vec()));
        self.overlay.set(key, rest);
        Ok(())
    }

    fn get(&mut self, key: &Bytes) -> Result<Option<Stored>, EngineError> {
        self.overlay.get(self.hot, key)
    }

    fn now(&self) -> Timestamp {
        self.overlay.now()
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Stop {
        Stop::Engine(error)
    }
}

fn counter(key: &Key, row: Option<&Row>) -> Result<i64, Stop> {
    read_counter(key, row).map_err(|error| Stop::Wrong(error.to_string()))
}

/// The number in a counter row.
pub(crate) fn read_counter(key: &Key, row: Option<&Row>) -> Result<i64, Error> {
    let Some(row) = row else { return Ok(0) };
    match <[u8; 8]>::try_from(&row.value[..]) {
        Ok(bytes) => Ok(i64::from_le_bytes(bytes)),
        Err(_) => Err(Error::Fatal(format!("{key:?} is not a counter"))),
    }
}
