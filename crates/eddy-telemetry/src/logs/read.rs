//! Reading: one stream in both directions, or many streams of a group woven into one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use eddy_base::{Code, Fault, Scope, Subject, Timestamp};
use eddy_store::{Order, Pos, Snapshot};

use super::cursor::{Cursor, Held};
use super::pattern::Pattern;
use super::stream::{self, Stream};
use super::{Logs, aside, decode, no_stream, rows};
use crate::keys;
use crate::limits::{
    EVENT_OVERHEAD_BYTES, PAGE_BYTES_MAX, PAGE_EVENTS_MAX, SEARCH_EVENTS_MAX, SEARCH_STREAMS_MAX,
};

/// Where an event is among all events of its group: they are ordered by time, and within a millisecond by stream
/// and by how they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub at: Timestamp,
    /// Stands for the stream's name.
    pub stream: u64,
    pub offset: u64,
    pub index: u32,
}

impl Place {
    /// Before every event.
    pub const FIRST: Place = Place { at: Timestamp::from_millis(i64::MIN), stream: 0, offset: 0, index: 0 };

    /// The place directly before this one: to go on with this event itself.
    #[must_use]
    pub fn before(self) -> Place {
        let Place { at, stream, offset, index } = self;
        if let Some(index) = index.checked_sub(1) {
            return Place { index, ..self };
        }
        if let Some(offset) = offset.checked_sub(1) {
            return Place { offset, index: u32::MAX, ..self };
        }
        let (stream, at) = match stream.checked_sub(1) {
            Some(stream) => (stream, at),
            None => (u64::MAX, Timestamp::from_millis(at.millis().saturating_sub(1))),
        };
        Place { at, stream, offset: u64::MAX, index: u32::MAX }
    }

    /// The place directly behind this one.
    #[must_use]
    pub fn after(self) -> Place {
        let Place { at, stream, offset, index } = self;
        if let Some(index) = index.checked_add(1) {
            return Place { index, ..self };
        }
        if let Some(offset) = offset.checked_add(1) {
            return Place { offset, index: 0, ..self };
        }
        let (stream, at) = match stream.checked_add(1) {
            Some(stream) => (stream, at),
            None => (0, Timestamp::from_millis(at.millis().saturating_add(1))),
        };
        Place { at, stream, offset: 0, index: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// Times of events: from (included) to (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// What is read of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    pub range: Range,
    pub direction: Direction,
    /// Goes on behind this event: after it forward, before it backward. `None` begins at the range's own end.
    pub beyond: Option<Place>,
    /// At most so many events, 1 to 10,000, and about a mebibyte.
    pub max: usize,
}

/// An event that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub place: Place,
    pub stream: String,
    /// When it was written.
    pub ingested: Timestamp,
    pub message: String,
}

/// Events, the oldest first in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    pub events: Vec<Found>,
    /// There may be more: behind the last event looked at, which a search need not have found.
    pub next: Option<Place>,
}

/// What is searched for in a group.
#[derive(Debug, Clone)]
pub struct Search {
    pub range: Range,
    pub pattern: Pattern,
    /// Only these streams; all when empty.
    pub streams: Vec<String>,
    /// Only streams whose names begin so.
    pub prefix: String,
    pub beyond: Option<Place>,
    /// At most so many events, 1 to 10,000, and about a mebibyte.
    pub max: usize,
}

impl Logs {
    /// Events of one stream.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is no such group or stream; the store's.
    pub async fn read(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        read: Read,
    ) -> Result<(Lines, Pos), Fault> {
        let snapshot = self.store.snapshot();
        let group = self.found(&snapshot, scope, group)?;
        let row = snapshot.get(&keys::stream(group.id, stream))?.ok_or_else(no_stream)?;
        let row: rows::Stream = decode(&row.value, "a log stream")?;
        let (name, hidden) = (stream.to_owned(), group.hidden_before(self.now()));
        aside(self.store.env(), move || {
            let lines = read_stream(&snapshot, &group, &name, row, read, hidden)?;
            Ok((lines, snapshot.pos()))
        })
        .await
    }

    /// Events of many streams of a group that match a pattern, in the order of their times. A page ends when it is
    /// full or when it has looked at enough; it may be empty and still have a next one.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is no such group, or no such stream among those that
    /// are named; the store's.
    pub async fn search(&self, scope: &Scope, group: &str, search: Search) -> Result<(Lines, Pos), Fault> {
        let snapshot = self.store.snapshot();
        let group = self.found(&snapshot, scope, group)?;
        let hidden = group.hidden_before(self.now());
        aside(self.store.env(), move || {
            let lines = search_group(&snapshot, &group, search, hidden)?;
            Ok((lines, snapshot.pos()))
        })
        .await
    }
}

fn read_stream(
    snapshot: &Snapshot,
    group: &rows::Group,
    name: &str,
    row: rows::Stream,
    read: Read,
    hidden: Timestamp,
) -> Result<Lines, Fault> {
    let Some(written) = row.written else { return Ok(Lines::default()) };
    let log = keys::log(group.id, name, group.class());
    let times = bounds(read.range, read.direction, read.beyond, hidden);
    let mut cursor = Cursor::new(snapshot, log, written, times, read.direction, 8)?;
    let stream = number(name);
    let mut page = Page::new(read.max);
    while let Some((place, held)) = cursor.next()? {
        let place = Place { stream, ..place };
        let is_beyond = read.beyond.is_none_or(|beyond| match read.direction {
            Direction::Forward => place > beyond,
            Direction::Backward => place < beyond,
        });
        if is_beyond && !page.take(place, name, held) {
            break;
        }
    }
    let mut lines = page.lines();
    if read.direction == Direction::Backward {
        lines.events.reverse();
    }
    Ok(lines)
}

fn search_group(
    snapshot: &Snapshot,
    group: &rows::Group,
    search: Search,
    hidden: Timestamp,
) -> Result<Lines, Fault> {
    let (from, to) = bounds(search.range, Direction::Forward, search.beyond, hidden);
    let streams = chosen(snapshot, group.id, &search)?;
    let is_inside = |stream: &&Stream| {
        stream.first.is_some_and(|first| first < to) && stream.last.is_some_and(|last| last >= from)
    };
    let streams: Vec<Stream> = streams.iter().filter(is_inside).cloned().collect();
    let read_ahead = if streams.len() > 16 { 1 } else { 8 };
    let mut cursors = Vec::with_capacity(streams.len());
    let mut heads = BinaryHeap::new();
    for (index, stream) in streams.iter().enumerate() {
        let row = snapshot.get(&keys::stream(group.id, &stream.name))?.ok_or_else(no_stream)?;
        let Some(written) = decode::<rows::Stream>(&row.value, "a log stream")?.written else { continue };
        let log = keys::log(group.id, &stream.name, group.class());
        let mut cursor = Cursor::new(snapshot, log, written, (from, to), Direction::Forward, read_ahead)?;
        let head = cursor.next()?;
        heads.extend(head.map(|(place, held)| Reverse(Head::new(index, stream, place, held))));
        cursors.push(cursor);
    }
    weave(&streams, cursors, heads, &search)
}

/// Takes events of all streams in their order until the page is full.
fn weave(
    streams: &[Stream],
    mut cursors: Vec<Cursor<'_>>,
    mut heads: BinaryHeap<Reverse<Head>>,
    search: &Search,
) -> Result<Lines, Fault> {
    let mut page = Page::new(search.max);
    let mut seen = 0;
    while let Some(Reverse(head)) = heads.pop() {
        let stream = &streams[head.index];
        if search.beyond.is_none_or(|beyond| head.place > beyond) {
            seen += 1;
            let matches = search.pattern.matches(&head.held.message);
            if matches && !page.take(head.place, &stream.name, head.held) {
                break;
            }
            if seen >= SEARCH_EVENTS_MAX {
                page.next = Some(head.place);
                break;
            }
        }
        let next = cursors[head.index].next()?;
        heads.extend(next.map(|(place, held)| Reverse(Head::new(head.index, stream, place, held))));
    }
    Ok(page.lines())
}

/// The streams that a search goes through.
fn chosen(snapshot: &Snapshot, group: u64, search: &Search) -> Result<Vec<Stream>, Fault> {
    if search.streams.is_empty() {
        let all = keys::streams(group, &search.prefix);
        let streams = stream::read(snapshot, all, Order::Forward, SEARCH_STREAMS_MAX + 1)?;
        if streams.len() > SEARCH_STREAMS_MAX {
            let text = format!("More than {SEARCH_STREAMS_MAX} log streams; name some or a prefix.");
            return Err(Fault::new(Code::LimitExceeded, Subject::LogStream, text));
        }
        return Ok(streams);
    }
    let mut streams = Vec::new();
    for name in &search.streams {
        let range = keys::streams(group, name);
        let found = stream::read(snapshot, range, Order::Forward, 1)?;
        let found = found.into_iter().find(|stream| stream.name == *name);
        streams.push(found.ok_or_else(no_stream)?);
    }
    streams.sort_by(|one, two| one.name.cmp(&two.name));
    streams.dedup();
    Ok(streams)
}

/// The next event of one stream.
struct Head {
    place: Place,
    index: usize,
    held: Held,
}

impl Head {
    fn new(index: usize, stream: &Stream, place: Place, held: Held) -> Head {
        Head { place: Place { stream: number(&stream.name), ..place }, index, held }
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        (self.place, self.index) == (other.place, other.index)
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> std::cmp::Ordering {
        (self.place, self.index).cmp(&(other.place, other.index))
    }
}

/// Events gathered for one answer.
struct Page {
    events: Vec<Found>,
    bytes: usize,
    max: usize,
    next: Option<Place>,
}

impl Page {
    fn new(max: usize) -> Page {
        Page { events: Vec::new(), bytes: 0, max: max.clamp(1, PAGE_EVENTS_MAX), next: None }
    }

    /// False when the event does not fit any more; then the page ends before it.
    fn take(&mut self, place: Place, stream: &str, held: Held) -> bool {
        let bytes = held.message.len() + EVENT_OVERHEAD_BYTES;
        let is_full = self.events.len() >= self.max || self.bytes + bytes > PAGE_BYTES_MAX;
        if is_full && !self.events.is_empty() {
            self.next = self.events.last().map(|last| last.place);
            return false;
        }
        self.bytes += bytes;
        let Held { ingested, message } = held;
        self.events.push(Found { place, stream: stream.to_owned(), ingested, message });
        true
    }

    fn lines(self) -> Lines {
        Lines { events: self.events, next: self.next }
    }
}

/// The times that are looked at.
fn bounds(
    range: Range,
    direction: Direction,
    beyond: Option<Place>,
    hidden: Timestamp,
) -> (Timestamp, Timestamp) {
    let first = Timestamp::from_millis(i64::MIN);
    let mut from = range.from.unwrap_or(first).max(hidden);
    let mut to = range.to.unwrap_or(Timestamp::from_millis(i64::MAX));
    match (direction, beyond) {
        (Direction::Forward, Some(beyond)) => from = from.max(beyond.at),
        (Direction::Backward, Some(beyond)) => {
            to = to.min(Timestamp::from_millis(beyond.at.millis().saturating_add(1)));
        }
        (_, None) => {}
    }
    (from, to)
}

/// A stable number for a stream's name: FNV-1a. Two streams of one number could only lose an event to each other
/// at the border of a page, if it had the same millisecond, offset and index too.
fn number(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn before_and_after_are_neighbours(
            millis in -5_i64..5,
            stream in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
            offset in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
            index in prop_oneof![Just(0), Just(u32::MAX), any::<u32>()],
        ) {
            let place = Place { at: Timestamp::from_millis(millis), stream, offset, index };
            prop_assert!(place.before() < place && place < place.after());
            prop_assert_eq!(place.before().after(), place);
            prop_assert_eq!(place.after().before(), place);
        }
    }
}
