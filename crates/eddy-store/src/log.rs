//! Logs: named sequences of records with dense offsets, kept for a while.
//!
//! Records lie in segments, engine key spaces shared by all logs of one retention class. A segment takes records
//! for a tenth of its retention (a day at least) and is dropped whole when its last record is past it. Each log has
//! a head row: its next offset, its truncation, and where in each segment it begins, so that a reader goes straight
//! to the segment that holds its offset. A log that changes its class goes on in the other class's segments.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::Timestamp;
use minicbor::{Decode, Encode};

use crate::key::Key;

/// A log's name, and how long what is appended under it stays. The cell of the key is the log's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Log {
    pub key: Key,
    pub retention: Retention,
}

/// How long records stay. Closed and few: each class has segments of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Retention {
    #[n(0)]
    Day,
    #[n(1)]
    Days3,
    #[n(2)]
    Week,
    #[n(3)]
    Weeks2,
    #[n(4)]
    Month,
    #[n(5)]
    Months3,
    #[n(6)]
    Year,
    #[n(7)]
    Forever,
}

/// One record of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub offset: u64,
    /// When it was committed.
    pub at: Timestamp,
    pub value: Bytes,
}

/// An engine key space of records, named by its class and the day, counted from 1970, before which it ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode)]
pub(crate) struct Segment {
    #[n(0)]
    pub(crate) class: Retention,
    #[n(1)]
    pub(crate) end_day: u32,
}

/// The state of one log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Head {
    /// The offset that the next record gets.
    #[n(0)]
    pub(crate) next: u64,
    /// Offsets below are hidden by a truncation.
    #[n(1)]
    pub(crate) truncated: u64,
    /// The segments that hold records, oldest first, each with the first offset in it.
    #[n(2)]
    pub(crate) parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Part {
    #[n(0)]
    pub(crate) segment: Segment,
    #[n(1)]
    pub(crate) first: u64,
}

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

impl Retention {
    pub(crate) const ALL: [Retention; 8] = [
        Retention::Day,
        Retention::Days3,
        Retention::Week,
        Retention::Weeks2,
        Retention::Month,
        Retention::Months3,
        Retention::Year,
        Retention::Forever,
    ];

    /// The shortest class that keeps records for at least this long.
    pub fn at_least(span: Duration) -> Retention {
        let day = u128::from(DAY_MILLIS.unsigned_abs());
        let fits = |class: &Retention| match class.days() {
            Some(days) => span.as_millis() <= u128::from(days) * day,
            None => true,
        };
        Retention::ALL.into_iter().find(fits).unwrap_or(Retention::Forever)
    }

    /// How long records are readable, in days; none is for ever.
    pub fn days(self) -> Option<u32> {
        match self {
            Retention::Day => Some(1),
            Retention::Days3 => Some(3),
            Retention::Week => Some(7),
            Retention::Weeks2 => Some(14),
            Retention::Month => Some(30),
            Retention::Months3 => Some(90),
            Retention::Year => Some(365),
            Retention::Forever => None,
        }
    }

    /// The segment that takes records now.
    pub(crate) fn segment(self, now: Timestamp) -> Segment {
        let Some(span) = self.span_days() else { return Segment { class: self, end_day: u32::MAX } };
        let today = u32::try_from(now.millis().max(0) / DAY_MILLIS).unwrap_or(u32::MAX / 2);
        Segment { class: self, end_day: (today / span + 1) * span }
    }
}

impl Segment {
    /// When nothing in it is readable any more; none is never.
    pub(crate) fn dead_at(self) -> Option<Timestamp> {
        let days = self.class.days()?;
        Some(Timestamp::from_millis((i64::from(self.end_day) + i64::from(days)) * DAY_MILLIS))
    }

    /// No record in it is older.
    pub(crate) fn begins(self) -> Timestamp {
        match self.class.span_days() {
            Some(span) => Timestamp::from_millis((i64::from(self.end_day) - i64::from(span)) * DAY_MILLIS),
            None => Timestamp::EPOCH,
        }
    }

    /// Records committed before are hidden.
    pub(crate) fn hidden_before(self, now: Timestamp) -> Timestamp {
        match self.class.days() {
            Some(days) => Timestamp::from_millis(now.millis() - i64::from(days) * DAY_MILLIS),
            None => Timestamp::from_millis(i64::MIN),
        }
    }

    /// The one that takes records after it; none when it takes them for ever.
    pub(crate) fn following(self) -> Option<Segment> {
        Some(Segment { class: self.class, end_day: self.end_day.checked_add(self.class.span_days()?)? })
    }

    /// Its name in the engine, such as `log-week-20460`.
    pub(crate) fn name(self) -> String {
        format!("log-{}-{}", self.class.word(), self.end_day)
    }

    pub(crate) fn parse(name: &str) -> Option<Segment> {
        let (word, day) = name.strip_prefix("log-")?.split_once('-')?;
        let class = Retention::ALL.into_iter().find(|class| class.word() == word)?;
        Some(Segment { class, end_day: day.parse().ok()? })
    }
}

impl Retention {
    /// How many days one segment takes records.
    fn span_days(self) -> Option<u32> {
        self.days().map(|days| days.div_ceil(10))
    }

    fn word(self) -> &'static str {
        match self {
            Retention::Day => "day",
            Retention::Days3 => "days3",
            Retention::Week => "week",
            Retention::Weeks2 => "weeks2",
            Retention::Month => "month",
            Retention::Months3 => "months3",
            Retention::Year => "year",
            Retention::Forever => "forever",
        }
    }
}

impl Head {
    /// Gives the next offset to a record that goes into `segment`. Forgets segments that are past their time.
    pub(crate) fn take(&mut self, segment: Segment, now: Timestamp) -> u64 {
        let offset = self.next;
        self.next += 1;
        if self.parts.last().is_none_or(|part| part.segment != segment) {
            self.parts.retain(|part| part.segment.dead_at().is_none_or(|dead| dead > now));
            self.parts.push(Part { segment, first: offset });
        }
        offset
    }

    /// Hides what is before `offset`. Never goes back, and never past the end.
    pub(crate) fn truncate(&mut self, offset: u64) {
        self.truncated = self.truncated.max(offset.min(self.next));
    }

    /// The offsets of a range that lie in a segment that is never dropped.
    pub(crate) fn kept_for_ever(&self, range: Range<u64>) -> impl Iterator<Item = (Segment, u64)> {
        let parts = self.spans().filter(|(part, _)| part.segment.class == Retention::Forever);
        parts.flat_map(move |(part, end)| {
            let offsets = part.first.max(range.start)..end.min(range.end);
            offsets.map(move |offset| (part.segment, offset))
        })
    }

    /// Drops the parts that are truncated as a whole: their records are deleted, or will go with their segment.
    pub(crate) fn forget_truncated(&mut self) {
        let ends: Vec<u64> = self.spans().map(|(_, end)| end).collect();
        let mut ends = ends.into_iter();
        let (truncated, next) = (self.truncated, self.next);
        self.parts.retain(|_| ends.next().is_none_or(|end| end > truncated || end == next));
    }

    /// The parts with the offset behind their last record.
    pub(crate) fn spans(&self) -> impl DoubleEndedIterator<Item = (Part, u64)> {
        let ends = self.parts.iter().skip(1).map(|part| part.first).chain([self.next]);
        self.parts.iter().copied().zip(ends.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_rounded_up() {
        let day = Duration::from_secs(24 * 60 * 60);
        for (span, expected) in [
            (Duration::ZERO, Retention::Day),
            (day, Retention::Day),
            (day + Duration::from_millis(1), Retention::Days3),
            (day * 4, Retention::Week),
            (day * 365, Retention::Year),
            (day * 366, Retention::Forever),
        ] {
            assert_eq!(Retention::at_least(span), expected, "{span:?}");
        }
    }

    fn end_of(segment: Segment) -> Timestamp {
        Timestamp::from_millis(i64::from(segment.end_day) * DAY_MILLIS)
    }

    #[test]
    fn segments_are_few_and_named_by_their_end() {
        let now = Timestamp::from_seconds(1_767_323_045);
        let mut alive = 0;
        for class in Retention::ALL {
            let segment = class.segment(now);
            assert_eq!(Segment::parse(&segment.name()), Some(segment));
            let Some(days) = class.days() else { continue };
            let span = days.div_ceil(10);
            assert_eq!(segment.end_day % span, 0);
            assert!(segment.dead_at() > Some(now.plus(Duration::from_secs(u64::from(days) * 86_400))));
            assert_eq!(segment.following().map(Segment::begins), Some(end_of(segment)));
            // With the one that takes records, and the one that is made ahead.
            alive += days.div_ceil(span) + 2;
        }
        assert!(alive < 100, "{alive} segments alive at once");
    }

    #[test]
    fn offsets_are_dense_over_segments() {
        let (early, late) =
            (Segment { class: Retention::Day, end_day: 1 }, Segment { class: Retention::Day, end_day: 2 });
        let mut head = Head::default();
        let offsets: Vec<u64> =
            [early, early, late].into_iter().map(|segment| head.take(segment, Timestamp::EPOCH)).collect();
        assert_eq!(offsets, [0, 1, 2]);
        let spans: Vec<(u64, u64)> = head.spans().map(|(part, end)| (part.first, end)).collect();
        assert_eq!(spans, [(0, 2), (2, 3)]);
    }
}
