//! Which segment of each class takes records, and which ones are to be made before they do: making one takes several
//! milliseconds, in which no commit goes on.

use std::collections::{BTreeMap, BTreeSet};

use eddy_base::Timestamp;

use crate::log::{Retention, Segment};

/// The segment of each class that takes records. It never goes back, even when the clock does, so that a log's
/// offsets rise from segment to segment.
#[derive(Default)]
pub(crate) struct Newest(BTreeMap<Retention, Segment>);

impl Newest {
    /// From the segments that hold records. One that was only made ahead must not take any before its time.
    pub(crate) fn new(segments: impl IntoIterator<Item = Segment>) -> Newest {
        let mut newest = Newest::default();
        for segment in segments {
            newest.raise(segment);
        }
        newest
    }

    pub(crate) fn of(&mut self, class: Retention, now: Timestamp) -> Segment {
        self.raise(class.segment(now))
    }

    /// The first segment that is not made and will soon be needed: for each class with records that are alive, the
    /// one that takes them now and the one after it.
    pub(crate) fn missing(&self, made: &BTreeSet<Segment>, now: Timestamp) -> Option<Segment> {
        let alive = self.0.values().filter(|newest| made.contains(newest));
        let needed = alive.flat_map(|newest| {
            let current = newest.class.segment(now).max(*newest);
            [Some(current), current.following()]
        });
        needed.flatten().find(|segment| !made.contains(segment))
    }

    fn raise(&mut self, segment: Segment) -> Segment {
        let newest = self.0.entry(segment.class).or_insert(segment);
        *newest = segment.max(*newest);
        *newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_soon_is_missing_until_it_is_made() {
        let day = |n: i64| Timestamp::from_seconds(n * 86_400 + 1);
        let segment = |end_day| Segment { class: Retention::Day, end_day };
        let forever = Retention::Forever.segment(day(0));
        let mut newest = Newest::new([forever]);
        let mut made = BTreeSet::from([forever]);
        assert_eq!(newest.missing(&made, day(3)), None, "what takes records for ever has no next");
        assert_eq!(newest.of(Retention::Day, day(3)), segment(4));
        assert_eq!(newest.missing(&made, day(3)), None, "the commit makes it");
        made.insert(segment(4));
        for (today, expected) in [(3, 5), (4, 5), (6, 7), (2, 5)] {
            assert_eq!(newest.missing(&made, day(today)), Some(segment(expected)), "on day {today}");
        }
        made.insert(segment(5));
        assert_eq!(newest.missing(&made, day(3)), None);
        assert_eq!(newest.missing(&made, day(4)), Some(segment(6)));
        made.remove(&segment(4));
        assert_eq!(newest.missing(&made, day(4)), None, "nobody uses a class whose records are dead");
    }
}
