//! The state that a group of batches sees: what the group has changed so far, over hot rows, over the last view.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::Timestamp;
use foldhash::fast::RandomState;

use super::hot::Hot;
use crate::engine::{EngineError, Table, View, Write};
use crate::keys::{self, Stored};
use crate::log::{Head, Segment};

/// Changes of one group, not yet written. Batches apply to it one after another; a batch that is refused halfway is
/// undone.
pub(crate) struct Overlay {
    view: Arc<dyn View>,
    now: Timestamp,
    /// Every change of a row, in order. The same batches give the same group.
    changes: Vec<RowChange>,
    /// The last change of each row.
    last: HashMap<Bytes, usize, RandomState>,
    heads: Vec<(Bytes, Head)>,
    head_places: HashMap<Bytes, usize, RandomState>,
    records: Vec<Write>,
    /// Where the current batch began.
    batch_start: usize,
    /// Whether the current batch has read what the group has written.
    has_read_group: bool,
}

/// One change of one row.
pub(crate) struct RowChange {
    pub(crate) key: Bytes,
    /// None deletes it.
    pub(crate) stored: Option<Stored>,
    /// The change of the same row before this one.
    before: Option<usize>,
    /// The change of the same row after this one.
    after: Option<usize>,
}

impl Overlay {
    pub(crate) fn new(view: Arc<dyn View>, now: Timestamp) -> Overlay {
        Overlay {
            view,
            now,
            changes: Vec::new(),
            last: HashMap::default(),
            heads: Vec::new(),
            head_places: HashMap::default(),
            records: Vec::new(),
            batch_start: 0,
            has_read_group: false,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Begins a batch.
    pub(crate) fn begin(&mut self) {
        self.batch_start = self.changes.len();
        self.has_read_group = false;
    }

    /// Takes back what the batch has changed. Only rows: log heads change last, when nothing can be refused any more.
    pub(crate) fn roll_back(&mut self) {
        while self.changes.len() > self.batch_start {
            let Some(change) = self.changes.pop() else { return };
            match change.before {
                Some(before) => {
                    self.changes[before].after = None;
                    self.last.insert(change.key, before);
                }
                None => {
                    self.last.remove(&change.key);
                }
            }
        }
    }

    /// Whether the batch's answer depends on what is not yet on disk.
    pub(crate) fn has_read_group(&self) -> bool {
        self.has_read_group
    }

    /// The changes of the current batch so far.
    pub(crate) fn batch(&self) -> Range<usize> {
        self.batch_start..self.changes.len()
    }

    /// The row as it is now, unless it is absent or past its time.
    pub(crate) fn get(&mut self, hot: &mut Hot, key: &Bytes) -> Result<Option<Stored>, EngineError> {
        let stored = match self.last.get(key) {
            Some(at) => {
                self.has_read_group = true;
                self.changes[*at].stored.clone()
            }
            None => hot.get(&*self.view, key)?,
        };
        Ok(stored.filter(|stored| stored.is_alive(self.now)))
    }

    pub(crate) fn set(&mut self, key: Bytes, stored: Option<Stored>) {
        let at = self.changes.len();
        let before = self.last.insert(key.clone(), at);
        if let Some(before) = before {
            self.changes[before].after = Some(at);
        }
        self.changes.push(RowChange { key, stored, before, after: None });
    }

    /// The state of a log, to be changed in place.
    pub(crate) fn head(&mut self, hot: &mut Hot, log: &Bytes) -> Result<&mut Head, EngineError> {
        let at = match self.head_places.get(log) {
            Some(at) => {
                self.has_read_group = true;
                *at
            }
            None => {
                let head = match hot.get(&*self.view, &keys::head(log))? {
                    Some(stored) => minicbor::decode(&stored.row.value)?,
                    None => Head::default(),
                };
                self.head_places.insert(log.clone(), self.heads.len());
                self.heads.push((log.clone(), head));
                self.heads.len() - 1
            }
        };
        Ok(&mut self.heads[at].1)
    }

    pub(crate) fn append(&mut self, segment: Segment, log: &[u8], offset: u64, value: &[u8]) {
        let key = keys::record(log, offset);
        let value = keys::record_value(self.now, value);
        self.records.push(Write { table: Table::Segment(segment), key, value: Some(value) });
    }

    pub(crate) fn delete_record(&mut self, segment: Segment, log: &[u8], offset: u64) {
        let key = keys::record(log, offset);
        self.records.push(Write { table: Table::Segment(segment), key, value: None });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.heads.is_empty()
    }

    /// The group as rows to write, heads of logs included: each row once, as the last batch left it.
    pub(crate) fn writes(&mut self, pos: crate::Pos) -> Vec<Write> {
        for (log, head) in std::mem::take(&mut self.heads) {
            let value = minicbor::to_vec(&head).expect("encoding into memory does not fail");
            self.set(keys::head(&log), Some(Stored::new(pos, value)));
        }
        let mut writes = Vec::with_capacity(self.changes.len() + self.records.len() + 1);
        writes.extend(self.changes.iter().filter(|change| change.is_last()).map(|change| Write {
            table: Table::Rows,
            key: change.key.clone(),
            value: change.stored.as_ref().map(Stored::encode),
        }));
        writes.append(&mut self.records);
        writes
    }

    pub(crate) fn into_changes(self) -> Vec<RowChange> {
        self.changes
    }
}

impl RowChange {
    /// Whether it is what the group leaves.
    pub(crate) fn is_last(&self) -> bool {
        self.after.is_none()
    }

    /// Whether it is what its batch, which ends here, leaves.
    pub(crate) fn is_last_before(&self, end: usize) -> bool {
        self.after.is_none_or(|after| after >= end)
    }
}
