//! Reading: an unchanging state of the whole store.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::Timestamp;

use crate::committer::read_counter;
use crate::durable::{Error, Pos, Row};
use crate::engine::{EngineError, Order, Table, View};
use crate::key::{Key, Range};
use crate::keys::{self, Stored};
use crate::log::{Head, Log, Part, Record, Segment};
use crate::publish::State;

/// The store as it was when the snapshot was made. Cheap to make and to clone; keep it for a request, not for long,
/// since the engine keeps what it shows. Rows past their time are hidden, as of the snapshot's own time.
///
/// Reads go to the disk when they must: single rows may be read where you are, scans on the blocking pool.
#[derive(Clone)]
pub struct Snapshot {
    state: Arc<State>,
    now: Timestamp,
}

impl Snapshot {
    pub(crate) fn new(state: Arc<State>, now: Timestamp) -> Snapshot {
        Snapshot { state, now }
    }

    /// The last commit that the snapshot sees.
    pub fn pos(&self) -> Pos {
        self.state.pos
    }

    /// # Errors
    /// [`Error::Fatal`], as from all reads here, when the engine fails or gives back what was never written.
    pub fn get(&self, key: &Key) -> Result<Option<Row>, Error> {
        Ok(self.stored(key.as_bytes())?.map(|stored| stored.row))
    }

    /// A counter's value; 0 when it is absent.
    pub fn counter(&self, key: &Key) -> Result<i64, Error> {
        read_counter(key, self.get(key)?.as_ref())
    }

    /// At most `rows_max` rows of the range, from its beginning or its end. More may follow exactly when `rows_max`
    /// came back: go on with [`Range::after`] the last key.
    pub fn scan(&self, range: Range, order: Order, rows_max: usize) -> Result<Vec<(Key, Row)>, Error> {
        let mut rows = Vec::with_capacity(rows_max.min(64));
        self.each(range, order, |key, row| {
            if rows.len() < rows_max {
                rows.push((key, row));
            }
            if rows.len() < rows_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(rows)
    }

    /// Visits the rows of a range until the visitor breaks: for pages that end by bytes, and for indexes that are
    /// rebuilt at start.
    pub fn each(
        &self,
        range: Range,
        order: Order,
        mut visit: impl FnMut(Key, Row) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if range.is_void() {
            return Ok(());
        }
        let mut wrong = None;
        let bounds = (bound(&range.from), bound(&range.to));
        self.view().scan(Table::Rows, bounds, order, &mut |key, value| match self.visible(key, &value) {
            Ok(Some((key, row))) => visit(key, row),
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => {
                wrong = Some(error);
                ControlFlow::Break(())
            }
        })?;
        wrong.map_or(Ok(()), Err)
    }

    /// The records of a log from an offset on, at most `records_max` and, but for the first, at most `bytes_max`
    /// of their values. Begins at the first record still kept when `from` lies before it.
    pub fn read(
        &self,
        log: &Log,
        from: u64,
        records_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Record>, Error> {
        let mut page = Page { records: Vec::new(), records_max, bytes_left: bytes_max };
        let Some(head) = self.head_of(log)? else { return Ok(page.records) };
        let from = self.first_kept(log, &head, from)?;
        for (part, end) in head.spans() {
            if end <= from || page.is_full() {
                continue;
            }
            self.read_part(log, part.segment, from.max(part.first)..end, &mut page)?;
        }
        Ok(page.records)
    }

    /// The offset that the log's next record will get.
    pub fn head(&self, log: &Log) -> Result<u64, Error> {
        Ok(self.head_of(log)?.map_or(0, |head| head.next))
    }

    /// The first offset still kept; the head when nothing is.
    pub fn tail(&self, log: &Log) -> Result<u64, Error> {
        match self.head_of(log)? {
            Some(head) => Ok(self.first_kept(log, &head, 0)?),
            None => Ok(0),
        }
    }

    pub(crate) fn view(&self) -> &dyn View {
        &*self.state.view
    }

    /// Whether a row of the store's own is there.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool, EngineError> {
        Ok(self.stored(key)?.is_some())
    }

    fn stored(&self, key: &[u8]) -> Result<Option<Stored>, EngineError> {
        let Some(bytes) = self.view().get(Table::Rows, key)? else { return Ok(None) };
        Ok(Some(Stored::decode(&bytes)?).filter(|stored| stored.is_alive(self.now)))
    }

    fn visible(&self, key: Bytes, value: &Bytes) -> Result<Option<(Key, Row)>, Error> {
        let stored = Stored::decode(value)?;
        if !stored.is_alive(self.now) {
            return Ok(None);
        }
        Ok(Some((Key::from_stored(key)?, stored.row)))
    }

    fn head_of(&self, log: &Log) -> Result<Option<Head>, EngineError> {
        let Some(stored) = self.stored(&keys::head(log.key.as_bytes()))? else { return Ok(None) };
        Ok(Some(minicbor::decode(&stored.row.value)?))
    }

    /// The first offset from `from` on that is still kept. Passes over segments that are past their time, then over
    /// records that are.
    fn first_kept(&self, log: &Log, head: &Head, from: u64) -> Result<u64, EngineError> {
        let from = from.max(head.truncated);
        let is_dead = |segment: Segment| segment.dead_at().is_some_and(|dead| dead <= self.now);
        let first = head.spans().find(|(part, end)| !is_dead(part.segment) && *end > from);
        match first {
            Some((part, end)) => self.first_kept_in(log, part, end, from),
            None => Ok(from.max(head.next)),
        }
    }

    /// Finds the first record of a segment that is young enough, by halving: its times rise with its offsets.
    fn first_kept_in(&self, log: &Log, part: Part, end: u64, from: u64) -> Result<u64, EngineError> {
        let hidden_before = part.segment.hidden_before(self.now);
        let (mut low, mut high) = (part.first.max(from), end);
        if part.segment.begins() >= hidden_before {
            return Ok(low);
        }
        // The usual case first: nothing is hidden.
        let mut middle = low;
        while low < high {
            let key = keys::record(log.key.as_bytes(), middle);
            let is_hidden = match self.view().get(Table::Segment(part.segment), &key)? {
                Some(value) => keys::read_record(&value)?.0 < hidden_before,
                None => true,
            };
            if is_hidden {
                low = middle + 1;
            } else {
                high = middle;
            }
            middle = low + (high - low) / 2;
        }
        Ok(low)
    }

    fn read_part(
        &self,
        log: &Log,
        segment: Segment,
        offsets: std::ops::Range<u64>,
        page: &mut Page,
    ) -> Result<(), EngineError> {
        let from = keys::record(log.key.as_bytes(), offsets.start);
        let to = keys::record(log.key.as_bytes(), offsets.end);
        let bounds = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
        let mut wrong = None;
        self.view().scan(Table::Segment(segment), bounds, Order::Forward, &mut |key, value| match record(
            &key, &value,
        ) {
            Ok(record) => page.take(record),
            Err(error) => {
                wrong = Some(error);
                ControlFlow::Break(())
            }
        })?;
        wrong.map_or(Ok(()), Err)
    }
}

/// Records gathered for one answer.
struct Page {
    records: Vec<Record>,
    records_max: usize,
    bytes_left: usize,
}

impl Page {
    fn is_full(&self) -> bool {
        self.records.len() >= self.records_max || self.bytes_left == 0
    }

    fn take(&mut self, record: Record) -> ControlFlow<()> {
        let fits = record.value.len() <= self.bytes_left || self.records.is_empty();
        if self.records.len() >= self.records_max || !fits {
            self.bytes_left = 0;
            return ControlFlow::Break(());
        }
        self.bytes_left = self.bytes_left.saturating_sub(record.value.len());
        self.records.push(record);
        if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn record(key: &[u8], value: &Bytes) -> Result<Record, EngineError> {
    let (at, value) = keys::read_record(value)?;
    Ok(Record { offset: keys::record_offset(key)?, at, value })
}

fn bound(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("pos", &self.state.pos).field("now", &self.now).finish()
    }
}
