//! A disk in memory that fails on demand: for tests and for simulation.
//!
//! It keeps what a real disk would keep over a crash (groups, finished blobs, the mark) and loses what it would
//! lose. Faults are placed by number: the n-th durable operation, be it a group or a blob, fails, is late, or is
//! acknowledged although it is not on the disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{Engine, EngineError, Order, Table, View, Write};
use crate::blob::BlobId;
use crate::keys::Chain;
use crate::log::Segment;

/// The disk. Clones are the same disk; open a store on it again to see what a restart would.
#[derive(Clone, Default, Debug)]
pub struct Disk {
    state: Arc<Mutex<State>>,
}

/// What goes wrong at one durable operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It fails and leaves nothing.
    Fail,
    /// It fails, and everything is on the disk.
    FailLate,
    /// It takes this long.
    Delay(Duration),
    /// It is acknowledged, and it and all that follows is gone after the next [`Disk::crash`].
    Lie,
}

/// One store's use of the disk. After a crash of the disk it fails at everything.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    disk: Disk,
    generation: u64,
}

#[derive(Default, Debug)]
struct State {
    /// Counts crashes: what was opened before the last one is dead.
    generation: u64,
    rows: Rows,
    blobs: HashMap<BlobId, Bytes>,
    mark: Option<Chain>,
    faults: BTreeMap<u64, Fault>,
    operations: u64,
    lie: Option<Lie>,
}

/// What a crash takes away.
#[derive(Debug, Default)]
struct Lie {
    /// The last group that stays.
    group: u64,
    blobs: BTreeSet<BlobId>,
}

/// Rows with as many old versions as a view may still look at.
#[derive(Default, Debug)]
struct Rows {
    tables: BTreeMap<Table, BTreeMap<Bytes, Versions>>,
    /// The number of the last group.
    group: u64,
    /// Groups that views show, and how many views do.
    viewed: BTreeMap<u64, usize>,
}

/// The values of one row, oldest first, each with its group; none is deleted.
type Versions = Vec<(u64, Option<Bytes>)>;

impl Disk {
    pub fn new() -> Disk {
        Disk::default()
    }

    /// Places a fault at the n-th durable operation from the beginning of the disk, counted from 1. A group of
    /// batches is one operation, a finished blob another, and each start and end of a store is one too.
    pub fn inject(&self, nth: u64, fault: Fault) {
        self.lock().faults.insert(nth, fault);
    }

    /// Durable operations so far.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Whether faults are left that no operation has met yet.
    pub fn has_faults(&self) -> bool {
        !self.lock().faults.is_empty()
    }

    /// Takes back the faults that no operation has met yet; gives how many.
    pub fn heal(&self) -> u64 {
        std::mem::take(&mut self.lock().faults).len() as u64
    }

    /// Ends whatever uses the disk, as a power cut would. What was lied about is gone.
    pub fn crash(&self) {
        let mut state = self.lock();
        state.generation += 1;
        if let Some(lie) = state.lie.take() {
            state.rows.forget_after(lie.group);
            state.blobs.retain(|id, _| !lie.blobs.contains(id));
        }
    }

    /// A hash of every group that was ever acknowledged, in order: equal for runs that did the same.
    pub fn hash(&self) -> u64 {
        self.lock().mark.map_or(0, |chain| chain.hash)
    }

    /// The blobs on the disk, in order.
    pub fn blobs(&self) -> Vec<BlobId> {
        let mut ids: Vec<BlobId> = self.lock().blobs.keys().copied().collect();
        ids.sort();
        ids
    }

    /// Begins to use the disk.
    pub(crate) fn attach(&self) -> Memory {
        Memory { disk: self.clone(), generation: self.lock().generation }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Keeps a blob: durable when this returns.
    pub(crate) fn put_blob(&self, id: BlobId, body: Bytes) -> Result<(), EngineError> {
        let mut state = self.lock()?;
        let outcome = state.operate();
        if outcome.is_kept() {
            state.blobs.insert(id, body);
            if let Some(lie) = &mut state.lie {
                lie.blobs.insert(id);
            }
        }
        outcome.result()
    }

    pub(crate) fn blob(&self, id: BlobId) -> Result<Option<Bytes>, EngineError> {
        Ok(self.lock()?.blobs.get(&id).cloned())
    }

    pub(crate) fn remove_blob(&self, id: BlobId) -> Result<(), EngineError> {
        self.lock()?.blobs.remove(&id);
        Ok(())
    }

    pub(crate) fn blobs_of(&self, start: u32) -> Result<Vec<BlobId>, EngineError> {
        let mut ids: Vec<BlobId> = self.lock()?.blobs.keys().copied().collect();
        ids.retain(|id| id.start() == start);
        ids.sort();
        Ok(ids)
    }

    pub(crate) fn mark(&self) -> Option<Chain> {
        self.disk.lock().mark
    }

    pub(crate) fn set_mark(&self, chain: Chain) {
        if let Ok(mut state) = self.lock() {
            state.mark = Some(chain);
        }
    }

    /// How long the next operation takes.
    pub(crate) fn next_delay(&self) -> Option<Duration> {
        let mut state = self.disk.lock();
        let next = state.operations + 1;
        match state.faults.get(&next) {
            Some(Fault::Delay(span)) => {
                let span = *span;
                state.faults.remove(&next);
                Some(span)
            }
            Some(Fault::Fail | Fault::FailLate | Fault::Lie) | None => None,
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, EngineError> {
        let state = self.disk.lock();
        if state.generation == self.generation {
            return Ok(state);
        }
        Err(EngineError("the disk in memory has crashed".into()))
    }
}

impl Engine for Memory {
    fn write(&self, group: Vec<Write>) -> Result<(), EngineError> {
        let mut state = self.lock()?;
        let outcome = state.operate();
        if outcome.is_kept() {
            let floor = state.lie.as_ref().map_or(u64::MAX, |lie| lie.group);
            state.rows.write(group, floor);
        }
        outcome.result()
    }

    fn view(&self) -> Arc<dyn View> {
        let mut state = self.disk.lock();
        let group = state.rows.group;
        *state.rows.viewed.entry(group).or_default() += 1;
        Arc::new(MemoryView { disk: self.clone(), group })
    }

    fn segments(&self) -> Vec<Segment> {
        let state = self.disk.lock();
        let segments = state.rows.tables.keys().filter_map(|table| match table {
            Table::Segment(segment) => Some(*segment),
            Table::Rows => None,
        });
        segments.collect()
    }

    fn make_segment(&self, segment: Segment) -> Result<(), EngineError> {
        self.lock()?.rows.tables.entry(Table::Segment(segment)).or_default();
        Ok(())
    }

    fn drop_segment(&self, segment: Segment) -> Result<(), EngineError> {
        self.lock()?.rows.tables.remove(&Table::Segment(segment));
        Ok(())
    }

    fn delay(&self) -> Option<Duration> {
        self.next_delay()
    }
}

struct MemoryView {
    disk: Memory,
    group: u64,
}

/// Rows that a scan takes from under the lock at a time: the visitor runs without it.
const SCAN_ROWS: usize = 256;

impl View for MemoryView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let state = self.disk.lock()?;
        let versions = state.rows.tables.get(&table).and_then(|rows| rows.get(key));
        Ok(versions.and_then(|versions| as_of(versions, self.group)))
    }

    fn scan(
        &self,
        table: Table,
        (from, to): (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: &mut dyn FnMut(Bytes, Bytes) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let (mut from, mut to) = (from.map(Bytes::copy_from_slice), to.map(Bytes::copy_from_slice));
        loop {
            let rows = self.some(table, (from.clone(), to.clone()), order)?;
            let Some((last, _)) = rows.last().cloned() else { return Ok(()) };
            for (key, value) in rows {
                if visit(key, value).is_break() {
                    return Ok(());
                }
            }
            match order {
                Order::Forward => from = Bound::Excluded(last),
                Order::Backward => to = Bound::Excluded(last),
            }
            if !is_open(&from, &to) {
                return Ok(());
            }
        }
    }
}

impl MemoryView {
    fn some(
        &self,
        table: Table,
        range: (Bound<Bytes>, Bound<Bytes>),
        order: Order,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        let state = self.disk.lock()?;
        let Some(rows) = state.rows.tables.get(&table) else { return Ok(Vec::new()) };
        let mut range = rows.range(range);
        let next = || match order {
            Order::Forward => range.next(),
            Order::Backward => range.next_back(),
        };
        let visible = std::iter::from_fn(next)
            .filter_map(|(key, versions)| Some((key.clone(), as_of(versions, self.group)?)));
        Ok(visible.take(SCAN_ROWS).collect())
    }
}

impl Drop for MemoryView {
    fn drop(&mut self) {
        let mut state = self.disk.disk.lock();
        if let Some(count) = state.rows.viewed.get_mut(&self.group) {
            *count -= 1;
            if *count == 0 {
                state.rows.viewed.remove(&self.group);
            }
        }
    }
}

/// How a durable operation goes.
enum Outcome {
    Done,
    Lost,
    FailedLate,
}

impl Outcome {
    fn is_kept(&self) -> bool {
        matches!(self, Outcome::Done | Outcome::FailedLate)
    }

    fn result(self) -> Result<(), EngineError> {
        match self {
            Outcome::Done => Ok(()),
            Outcome::Lost | Outcome::FailedLate => Err(EngineError("the disk failed on demand".into())),
        }
    }
}

impl State {
    /// Counts a durable operation and meets its fault.
    fn operate(&mut self) -> Outcome {
        self.operations += 1;
        match self.faults.remove(&self.operations) {
            Some(Fault::Fail) => Outcome::Lost,
            Some(Fault::FailLate) => Outcome::FailedLate,
            Some(Fault::Lie) => {
                let group = self.rows.group;
                self.lie.get_or_insert_with(|| Lie { group, blobs: BTreeSet::new() });
                Outcome::Done
            }
            // A delay that nobody waited for: the operation before it failed in between.
            Some(Fault::Delay(_)) | None => Outcome::Done,
        }
    }
}

impl Rows {
    /// Adds a group, and forgets what neither a view nor a crash goes back to: `floor` is the crash's group.
    fn write(&mut self, group: Vec<Write>, floor: u64) {
        self.group += 1;
        let oldest = self.viewed.keys().next().copied().unwrap_or(self.group).min(floor);
        for write in group {
            let table = self.tables.entry(write.table).or_default();
            let versions = table.entry(write.key.clone()).or_default();
            versions.push((self.group, write.value));
            let first_kept = versions.iter().rposition(|(group, _)| *group <= oldest).unwrap_or(0);
            versions.drain(..first_kept);
            if matches!(versions[..], [(_, None)]) {
                table.remove(&write.key);
            }
        }
    }

    fn forget_after(&mut self, group: u64) {
        for table in self.tables.values_mut() {
            table.retain(|_, versions| {
                versions.retain(|(number, _)| *number <= group);
                !versions.is_empty()
            });
        }
    }
}

fn as_of(versions: &Versions, group: u64) -> Option<Bytes> {
    versions.iter().rfind(|(number, _)| *number <= group)?.1.clone()
}

/// Whether a range may be asked of a `BTreeMap`, which panics on bounds that cross.
fn is_open(from: &Bound<Bytes>, to: &Bound<Bytes>) -> bool {
    match (from, to) {
        (Bound::Excluded(from), Bound::Excluded(to)) => from < to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
            from <= to
        }
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
    }
}
