//! Rows that the commit thread read or wrote lately, decoded. It is the only writer, so they are never stale.

use std::collections::HashMap;

use bytes::Bytes;

use crate::engine::{EngineError, Table, View};
use crate::keys::Stored;
use crate::limits::HOT_BYTES_MAX;

/// Two generations: what is used moves to the young one; when that is full the old one is forgotten.
#[derive(Default)]
pub(crate) struct Hot {
    young: Rows,
    old: Rows,
    young_bytes: usize,
}

type Rows = HashMap<Bytes, Option<Stored>>;

/// What an entry costs besides its bytes, roughly.
const ENTRY_BYTES: usize = 128;

/// Larger values are read again: a few of them would push everything else out.
const VALUE_BYTES_MAX: usize = 16 * 1024;

impl Hot {
    /// The row as of the last group, dead or alive.
    pub(crate) fn get(&mut self, view: &dyn View, key: &Bytes) -> Result<Option<Stored>, EngineError> {
        if let Some(stored) = self.young.get(key) {
            return Ok(stored.clone());
        }
        let stored = match self.old.remove(key) {
            Some(stored) => stored,
            None => match view.get(Table::Rows, key)? {
                Some(bytes) => Some(Stored::decode(&bytes)?),
                None => None,
            },
        };
        self.put(key.clone(), stored.clone());
        Ok(stored)
    }

    /// Takes a row that was read, or was just written.
    pub(crate) fn put(&mut self, key: Bytes, stored: Option<Stored>) {
        self.old.remove(&key);
        let value_bytes = stored.as_ref().map_or(0, |stored| stored.row.value.len());
        if value_bytes > VALUE_BYTES_MAX {
            self.young.remove(&key);
            return;
        }
        self.young_bytes += ENTRY_BYTES + key.len() + value_bytes;
        self.young.insert(key, stored);
        if self.young_bytes > HOT_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}
