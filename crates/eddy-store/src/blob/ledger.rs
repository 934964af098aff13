//! What this run knows about its blobs and the rows do not: who writes, who reads, what waits for its first row.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::BlobId;
use crate::limits::BLOB_UNNAMED_SPAN;

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_closed: bool,
    writers: usize,
    /// Finished, and no row on the disk names it.
    unnamed: HashMap<BlobId, Standing>,
    /// Those that wait for a row, in the order of their times of the monotonic clock, with some that do no more.
    order: VecDeque<(Duration, BlobId)>,
    readers: HashMap<BlobId, Readers>,
}

/// Where a finished blob stands until a row on the disk names it, or its file is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// For a row.
    Waiting,
    /// A batch holds it that is not on the disk yet. Its file must stay whatever the time is.
    Claimed,
    /// It waited too long, or nobody wants it: its file goes, and no batch may hold it any more.
    Leaving,
}

#[derive(Default)]
struct Readers {
    count: usize,
    /// The file is to go with the last of them.
    is_doomed: bool,
}

/// A writer under way, until it is dropped. It goes along with the work on the disk: whoever asked for that may be
/// gone before it ends.
pub(crate) struct Writing(Ledger);

impl Writing {
    /// The blob is finished and may be held. See [`Ledger::finish`].
    pub(crate) fn finish(&self, id: BlobId, now: Duration) -> Option<Vec<BlobId>> {
        self.0.finish(id, now)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.lock().writers -= 1;
    }
}

impl Ledger {
    /// A writer begins. None when the store is closed.
    pub(crate) fn begin(&self) -> Option<Writing> {
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        state.writers += 1;
        Some(Writing(self.clone()))
    }

    /// A blob is finished and may be held. Gives the blobs that have waited too long for that: they are to go. None
    /// when the store is closed. `now` is of the monotonic clock: a step of the other one must not end their time.
    fn finish(&self, id: BlobId, now: Duration) -> Option<Vec<BlobId>> {
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        let late = state.give_up_late(now);
        state.unnamed.insert(id, Standing::Waiting);
        state.order.push_back((now, id));
        Some(late)
    }

    /// A batch is about to hold a blob that no row names. False when it must not: the blob has left, or never was.
    pub(crate) fn claim(&self, id: BlobId) -> bool {
        self.lock().change(id, Standing::Waiting, Standing::Claimed)
    }

    /// The batch that claimed these was refused.
    pub(crate) fn unclaim(&self, ids: &[BlobId]) {
        if ids.is_empty() {
            return;
        }
        let mut state = self.lock();
        for id in ids {
            state.change(*id, Standing::Claimed, Standing::Waiting);
        }
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

    /// Takes a blob that will get no row: its file is to go. False when it has one or is about to, or is gone.
    pub(crate) fn take(&self, id: BlobId) -> bool {
        self.lock().change(id, Standing::Waiting, Standing::Leaving)
    }

    /// The files of these are gone.
    pub(crate) fn forget(&self, ids: &[BlobId]) {
        let mut state = self.lock();
        for id in ids {
            if state.unnamed.get(id) == Some(&Standing::Leaving) {
                state.unnamed.remove(id);
            }
        }
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

impl State {
    /// Those whose time is over.
    fn give_up_late(&mut self, now: Duration) -> Vec<BlobId> {
        let mut late = Vec::new();
        while let Some((since, oldest)) = self.order.front().copied() {
            let is_late = now.saturating_sub(since) > BLOB_UNNAMED_SPAN;
            match self.unnamed.get_mut(&oldest) {
                Some(Standing::Waiting | Standing::Claimed) if !is_late => break,
                Some(standing @ Standing::Waiting) => {
                    *standing = Standing::Leaving;
                    late.push(oldest);
                }
                // Its batch may yet be refused.
                Some(Standing::Claimed) => self.order.push_back((now, oldest)),
                Some(Standing::Leaving) | None => {}
            }
            self.order.pop_front();
        }
        late
    }

    /// Moves a blob on. False when it does not stand where it should.
    fn change(&mut self, id: BlobId, from: Standing, to: Standing) -> bool {
        match self.unnamed.get_mut(&id) {
            Some(standing) if *standing == from => {
                *standing = to;
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> BlobId {
        BlobId::from_bytes([n; 16])
    }

    const LATE: Duration = Duration::from_secs(BLOB_UNNAMED_SPAN.as_secs() * 2);

    #[test]
    fn a_blob_without_a_row_is_given_up_in_time() {
        let ledger = Ledger::default();
        for n in 0..3 {
            assert_eq!(ledger.finish(id(n), Duration::ZERO), Some(Vec::new()));
        }
        ledger.name(&[id(1)]);
        assert_eq!(ledger.finish(id(9), LATE), Some(vec![id(0), id(2)]));
        assert!(!ledger.claim(id(0)), "its file goes");
        assert!(ledger.claim(id(9)));
        ledger.name(&[id(9)]);
        assert!(!ledger.close(), "two files are still to go");
        ledger.forget(&[id(0), id(2)]);
        assert!(ledger.close());
    }

    #[test]
    fn what_a_batch_holds_is_not_given_up_before_it_is_decided() {
        let ledger = Ledger::default();
        ledger.finish(id(0), Duration::ZERO);
        assert!(ledger.claim(id(0)));
        assert!(!ledger.take(id(0)), "nobody discards it now");
        assert_eq!(ledger.finish(id(1), LATE), Some(Vec::new()));
        ledger.unclaim(&[id(0)]);
        assert_eq!(ledger.finish(id(2), LATE * 2), Some(vec![id(0), id(1)]));
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
        let writing = ledger.begin().unwrap();
        assert!(!ledger.close());
        assert_eq!(writing.finish(id(0), Duration::ZERO), None);
        drop(writing);
        assert!(ledger.close());
        assert!(ledger.begin().is_none());
    }
}
