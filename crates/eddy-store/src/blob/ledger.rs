//! What this run knows about its blobs and the rows do not: who writes, who reads, what waits for its first row.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eddy_base::Timestamp;

use super::BlobId;
use crate::limits::BLOB_UNNAMED_SPAN;

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_closed: bool,
    writers: usize,
    /// Finished, and no row names it yet.
    unnamed: HashMap<BlobId, Timestamp>,
    /// The same in the order of their times, with some that have got their row since.
    order: VecDeque<(Timestamp, BlobId)>,
    readers: HashMap<BlobId, Readers>,
}

#[derive(Default)]
struct Readers {
    count: usize,
    /// The file is to go with the last of them.
    is_doomed: bool,
}

impl Ledger {
    /// A writer begins. False when the store is closed.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.lock();
        if state.is_closed {
            return false;
        }
        state.writers += 1;
        true
    }

    /// A writer has ended, well or not.
    pub(crate) fn end(&self) {
        self.lock().writers -= 1;
    }

    /// A blob is finished and may be held. Gives the blobs that have waited too long for that: they are to go. None
    /// when the store is closed.
    pub(crate) fn finish(&self, id: BlobId, now: Timestamp) -> Option<Vec<BlobId>> {
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        let mut late = Vec::new();
        while let Some((since, oldest)) = state.order.front().copied()
            && (!state.unnamed.contains_key(&oldest) || now.since(since) > BLOB_UNNAMED_SPAN)
        {
            state.order.pop_front();
            if state.unnamed.remove(&oldest).is_some() {
                late.push(oldest);
            }
        }
        state.unnamed.insert(id, now);
        state.order.push_back((now, id));
        Some(late)
    }

    pub(crate) fn is_unnamed(&self, id: BlobId) -> bool {
        self.lock().unnamed.contains_key(&id)
    }

    /// These have rows now.
    pub(crate) fn name(&self, ids: &[BlobId]) {
        if ids.is_empty() {
            return;
        }
        let mut state = self.lock();
        for id in ids {
            state.unnamed.remove(id);
        }
    }

    /// Takes a blob that will get no row. False when it has one, or is gone.
    pub(crate) fn take(&self, id: BlobId) -> bool {
        self.lock().unnamed.remove(&id).is_some()
    }

    /// No blob is begun or finished from now on. True when none is under way or without a row, so that nothing need
    /// be looked for at the next start.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.lock();
        state.is_closed = true;
        state.writers == 0 && state.unnamed.is_empty()
    }

    pub(crate) fn open_reader(&self, id: BlobId) {
        self.lock().readers.entry(id).or_default().count += 1;
    }

    /// True when the file is to go now.
    pub(crate) fn close_reader(&self, id: BlobId) -> bool {
        let mut state = self.lock();
        let Some(readers) = state.readers.get_mut(&id) else { return false };
        readers.count -= 1;
        let is_doomed = readers.is_doomed;
        if readers.count > 0 {
            return false;
        }
        state.readers.remove(&id);
        is_doomed
    }

    /// The file is to go. True when it has readers and must wait for the last of them.
    pub(crate) fn doom(&self, id: BlobId) -> bool {
        match self.lock().readers.get_mut(&id) {
            Some(readers) => {
                readers.is_doomed = true;
                true
            }
            None => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> BlobId {
        BlobId::from_bytes([n; 16])
    }

    #[test]
    fn a_blob_without_a_row_is_given_up_in_time() {
        let ledger = Ledger::default();
        let start = Timestamp::EPOCH;
        for n in 0..3 {
            assert_eq!(ledger.finish(id(n), start), Some(Vec::new()));
        }
        ledger.name(&[id(1)]);
        let late = start.plus(BLOB_UNNAMED_SPAN * 2);
        assert_eq!(ledger.finish(id(9), late), Some(vec![id(0), id(2)]));
        assert!(!ledger.is_unnamed(id(0)));
        assert!(ledger.is_unnamed(id(9)));
    }

    #[test]
    fn a_file_goes_with_its_last_reader() {
        let ledger = Ledger::default();
        assert!(!ledger.doom(id(0)));
        ledger.open_reader(id(0));
        ledger.open_reader(id(0));
        assert!(ledger.doom(id(0)));
        assert!(!ledger.close_reader(id(0)));
        assert!(ledger.close_reader(id(0)));
        ledger.open_reader(id(1));
        assert!(!ledger.close_reader(id(1)));
    }

    #[test]
    fn it_closes_well_only_when_nothing_is_under_way() {
        let ledger = Ledger::default();
        assert!(ledger.begin());
        assert!(!ledger.close());
        assert_eq!(ledger.finish(id(0), Timestamp::EPOCH), None);
        ledger.end();
        assert!(ledger.close());
        assert!(!ledger.begin());
    }
}
