//! The state that a group of batches sees: what the group has changed so far, over hot rows, over the last view.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::Timestamp;

use super::hot::Hot;
use crate::engine::{EngineError, Table, View, Write};
use crate::keys::{self, Stored};
use crate::log::{Head, Segment};

/// Changes of one group, not yet written. Batches apply to it one after another; a batch that is refused halfway is
/// undone.
pub(crate) struct Overlay {
    view: Arc<dyn View>,
    now: Timestamp,
    /// Changed rows in the order of their first change, so that the same batches give the same group.
    rows: Vec<(Bytes, Option<Stored>)>,
    index: HashMap<Bytes, usize>,
    heads: Vec<(Bytes, Head)>,
    head_index: HashMap<Bytes, usize>,
    records: Vec<Write>,
    /// What the current batch changed, with the row before: none when the group had not touched it.
    undo: Vec<(usize, Option<Option<Stored>>)>,
    /// Whether the current batch has read what the group has written.
    has_read_group: bool,
}

impl Overlay {
    pub(crate) fn new(view: Arc<dyn View>, now: Timestamp) -> Overlay {
        Overlay {
            view,
            now,
            rows: Vec::new(),
            index: HashMap::new(),
            heads: Vec::new(),
            head_index: HashMap::new(),
            records: Vec::new(),
            undo: Vec::new(),
            has_read_group: false,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Begins a batch.
    pub(crate) fn begin(&mut self) {
        self.undo.clear();
        self.has_read_group = false;
    }

    /// Takes back what the batch has changed. Only rows: log heads change last, when nothing can be refused any more.
    pub(crate) fn roll_back(&mut self) {
        for (at, before) in self.undo.drain(..).rev() {
            match before {
                Some(before) => self.rows[at].1 = before,
                None => {
                    let (key, _) = self.rows.pop().expect("rows are undone in the reverse of their order");
                    self.index.remove(&key);
                }
            }
        }
    }

    /// Whether the batch's answer depends on what is not yet on disk.
    pub(crate) fn has_read_group(&self) -> bool {
        self.has_read_group
    }

    /// The rows that the batch has changed, as it leaves them.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &(Bytes, Option<Stored>)> {
        let mut places: Vec<usize> = self.undo.iter().map(|(at, _)| *at).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|at| &self.rows[at])
    }

    /// The row as it is now, unless it is absent or past its time.
    pub(crate) fn get(&mut self, hot: &mut Hot, key: &Bytes) -> Result<Option<Stored>, EngineError> {
        let stored = match self.index.get(key) {
            Some(at) => {
                self.has_read_group = true;
                self.rows[*at].1.clone()
            }
            None => hot.get(&*self.view, key)?,
        };
        Ok(stored.filter(|stored| stored.is_alive(self.now)))
    }

    pub(crate) fn set(&mut self, key: Bytes, stored: Option<Stored>) {
        match self.index.get(&key) {
            Some(at) => {
                let before = std::mem::replace(&mut self.rows[*at].1, stored);
                self.undo.push((*at, Some(before)));
            }
            None => {
                self.undo.push((self.rows.len(), None));
                self.index.insert(key.clone(), self.rows.len());
                self.rows.push((key, stored));
            }
        }
    }

    /// The state of a log, to be changed in place.
    pub(crate) fn head(&mut self, hot: &mut Hot, log: &Bytes) -> Result<&mut Head, EngineError> {
        let at = match self.head_index.get(log) {
            Some(at) => {
                self.has_read_group = true;
                *at
            }
            None => {
                let key = keys::head(log);
                let head = match hot.get(&*self.view, &key)? {
                    Some(stored) => minicbor::decode(&stored.row.value)?,
                    None => Head::default(),
                };
                self.head_index.insert(log.clone(), self.heads.len());
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
        self.rows.is_empty() && self.heads.is_empty()
    }

    /// The group as rows to write, heads of logs included. The overlay stays readable.
    pub(crate) fn writes(&mut self, pos: crate::Pos) -> Vec<Write> {
        for (log, head) in std::mem::take(&mut self.heads) {
            let value = minicbor::to_vec(&head).expect("encoding into memory does not fail");
            self.set(keys::head(&log), Some(Stored::new(pos, value)));
        }
        let rows = self.rows.iter().map(|(key, stored)| Write {
            table: Table::Rows,
            key: key.clone(),
            value: stored.as_ref().map(Stored::encode),
        });
        rows.chain(std::mem::take(&mut self.records)).collect()
    }

    /// The changed rows, for the cache.
    pub(crate) fn into_rows(self) -> Vec<(Bytes, Option<Stored>)> {
        self.rows
    }
}
