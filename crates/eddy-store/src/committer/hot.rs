//! Rows that the commit thread read lately, decoded. It is the only writer, so they are never stale.

use std::collections::HashMap;

use bytes::Bytes;
use foldhash::fast::RandomState;

use crate::durable::Row;
use crate::engine::{EngineError, Table, View};
use crate::keys::Stored;
use crate::limits::HOT_BYTES_MAX;

/// Two generations: what is used moves to the young one; when that is full the old one is forgotten. Rows that are
/// only ever written never come in.
#[derive(Default)]
pub(crate) struct Hot {
    young: Rows,
    old: Rows,
    young_bytes: usize,
}

type Rows = HashMap<Bytes, Option<Stored>, RandomState>;

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
        // A key of its own: it may be a slice of a request.
        self.insert(Bytes::copy_from_slice(key), stored.clone());
        Ok(stored)
    }

    /// Takes note of a row that was just written.
    pub(crate) fn update(&mut self, key: &Bytes, stored: Option<Stored>) {
        match self.young.remove_entry(key) {
            Some((key, known)) => {
                self.young_bytes -= cost(&key, known.as_ref());
                self.insert(key, stored.map(owned));
            }
            None => {
                self.old.remove(key);
            }
        }
    }

    fn insert(&mut self, key: Bytes, stored: Option<Stored>) {
        if stored.as_ref().is_some_and(|stored| stored.row.value.len() > VALUE_BYTES_MAX) {
            return;
        }
        self.young_bytes += cost(&key, stored.as_ref());
        self.young.insert(key, stored);
        if self.young_bytes > HOT_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

fn cost(key: &Bytes, stored: Option<&Stored>) -> usize {
    ENTRY_BYTES + key.len() + stored.map_or(0, |stored| stored.row.value.len())
}

/// The row with a value of its own: a slice would keep all of the request alive that it was cut from.
fn owned(stored: Stored) -> Stored {
    let value = Bytes::copy_from_slice(&stored.row.value);
    Stored { row: Row { value, ..stored.row }, ..stored }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::Pos;
    use crate::engine::{Disk, Engine};

    #[test]
    fn what_it_keeps_is_bounded_whatever_becomes_of_a_row() {
        let view = Disk::new().attach().view();
        let mut hot = Hot::default();
        for n in 0..2_000_u32 {
            let key = Bytes::copy_from_slice(&n.to_be_bytes());
            // Looked for in vain, then written: what a put does.
            assert_eq!(hot.get(&*view, &key).unwrap(), None);
            hot.update(&key, Some(Stored::new(Pos(1), vec![0; VALUE_BYTES_MAX])));
        }
        let values = hot.young.values().chain(hot.old.values()).flatten();
        let kept: usize = values.map(|stored| stored.row.value.len()).sum();
        assert!(kept <= 2 * (HOT_BYTES_MAX + VALUE_BYTES_MAX), "{kept} bytes");
    }
}
