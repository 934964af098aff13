//! One stream's events in the order of their times, forward or backward, from any time on.
//!
//! The log is its own index of time. Let `late` be what the stream's row knows: no chunk begins more than `late`
//! before the newest time of the chunks in front of it. Then for every chunk its last time is at most `late` behind
//! the newest so far, and all later chunks begin at most `late` before it. So:
//!
//! * chunks whose last time is below `t - late` lie wholly in front of the first event at `t`: halving finds where
//!   to begin;
//! * behind a chunk whose last time is above `t + late` everything is after `t`: halving finds where to end;
//! * what was read up to a newest time of `n` is complete up to `n - late`: that much may be given out in order.
//!
//! While time goes forward, `late` is zero and chunks are given out as they are read.

use std::collections::BTreeMap;

use eddy_base::{Fault, Timestamp};
use eddy_store::{Log, Snapshot};

use super::chunk::{Chunk, Span};
use super::decode;
use super::read::{Direction, Place};
use super::rows::Written;

/// See the module.
pub(super) struct Cursor<'a> {
    snapshot: &'a Snapshot,
    log: Log,
    late_ms: i64,
    direction: Direction,
    /// Only events from here (included) to there (excluded).
    from: Timestamp,
    to: Timestamp,
    /// Offsets not read yet.
    unread: std::ops::Range<u64>,
    /// Read and not given out.
    held: BTreeMap<Place, Held>,
    /// How far what is held is complete: up to this time forward, down to it backward.
    complete: Option<Timestamp>,
    /// Chunks read in one go.
    read_ahead: usize,
}

pub(super) struct Held {
    pub(super) ingested: Timestamp,
    pub(super) message: String,
}

/// Bytes of chunks read in one go.
const READ_BYTES: usize = 256 * 1024;

impl<'a> Cursor<'a> {
    /// A cursor over the events between two times.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        log: Log,
        written: Written,
        (from, to): (Timestamp, Timestamp),
        direction: Direction,
        read_ahead: usize,
    ) -> Result<Cursor<'a>, Fault> {
        let late_ms = i64::try_from(written.late_ms).unwrap_or(i64::MAX);
        let (tail, head) = (snapshot.tail(&log)?, snapshot.head(&log)?);
        let mut cursor = Cursor {
            snapshot,
            log,
            late_ms,
            direction,
            from,
            to,
            unread: tail..head,
            held: BTreeMap::new(),
            complete: None,
            read_ahead,
        };
        if from > written.first {
            let begin = shifted(from, late_ms.saturating_neg());
            cursor.unread.start = cursor.first(tail..head, |span| span.last >= begin)?;
        }
        if to <= written.last {
            let end = shifted(to, late_ms);
            // The chunk itself may begin before.
            let end = cursor.first(cursor.unread.clone(), |span| span.last > end)?.saturating_add(1);
            cursor.unread.end = end.min(head);
        }
        Ok(cursor)
    }

    /// The next event, with its place.
    pub(super) fn next(&mut self) -> Result<Option<(Place, Held)>, Fault> {
        loop {
            let next = match self.direction {
                Direction::Forward => self.held.first_key_value(),
                Direction::Backward => self.held.last_key_value(),
            };
            let is_ready = next.is_some_and(|(place, _)| self.is_complete(place.at));
            if is_ready || self.unread.is_empty() {
                return Ok(match self.direction {
                    Direction::Forward => self.held.pop_first(),
                    Direction::Backward => self.held.pop_last(),
                });
            }
            self.read()?;
        }
    }

    fn is_complete(&self, at: Timestamp) -> bool {
        match (self.direction, self.complete) {
            (_, None) => false,
            (Direction::Forward, Some(complete)) => at <= complete,
            (Direction::Backward, Some(complete)) => at >= complete,
        }
    }

    fn read(&mut self) -> Result<(), Fault> {
        let count = u64::try_from(self.read_ahead.max(1)).expect("a small count fits");
        let from = match self.direction {
            Direction::Forward => self.unread.start,
            Direction::Backward => self.unread.end.saturating_sub(count).max(self.unread.start),
        };
        let count = count.min(self.unread.end - from);
        // Backward the whole window is needed, since reading goes forward; its size is bounded by its count.
        let bytes = if self.direction == Direction::Forward { READ_BYTES } else { usize::MAX };
        let count = usize::try_from(count).expect("a small count fits");
        let records = self.snapshot.read(&self.log, from, count, bytes)?;
        let Some(last) = records.last() else {
            self.unread = 0..0;
            return Ok(());
        };
        match self.direction {
            Direction::Forward => self.unread.start = last.offset + 1,
            Direction::Backward => self.unread.end = from,
        }
        for record in records {
            let chunk: Chunk = decode(&record.value, "a chunk of a log")?;
            self.note(&chunk);
            for (index, event) in (0_u32..).zip(chunk.events()) {
                if (self.from..self.to).contains(&event.at) {
                    let place = Place { at: event.at, stream: 0, offset: record.offset, index };
                    self.held.insert(place, Held { ingested: record.at, message: event.message });
                }
            }
        }
        Ok(())
    }

    /// Moves the mark of what is complete.
    fn note(&mut self, chunk: &Chunk) {
        self.complete = match self.direction {
            // All later chunks begin at `late` before the newest time at the earliest.
            Direction::Forward => self.complete.max(Some(shifted(chunk.last, self.late_ms.saturating_neg()))),
            // All earlier chunks end at `late` after this one's beginning at the latest.
            Direction::Backward => {
                let bound = shifted(chunk.first, self.late_ms);
                Some(self.complete.map_or(bound, |complete| complete.min(bound)))
            }
        };
    }

    /// The first offset whose chunk meets the condition, by halving; one that does not costs nothing but time.
    fn first(&self, offsets: std::ops::Range<u64>, is_met: impl Fn(Span) -> bool) -> Result<u64, Fault> {
        let (mut low, mut high) = (offsets.start, offsets.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.snapshot.read(&self.log, middle, 1, 1)?.into_iter().next();
            let is_met = match record {
                Some(record) if record.offset == middle => is_met(decode(&record.value, "a chunk of a log")?),
                // It is gone since: what is kept lies behind.
                Some(_) | None => false,
            };
            if is_met {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}

fn shifted(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(millis))
}
