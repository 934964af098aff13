//! The rows of log groups and streams, and the update that keeps a stream's row: CBOR maps with integer keys.

use std::collections::BTreeMap;

use bytes::Bytes;
use eddy_base::Timestamp;
use eddy_store::{Pos, Retention, Row, Update, UpdateId, Verdict};
use minicbor::{Decode, Encode};

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Group {
    /// Drawn when the group was made.
    #[n(0)]
    pub(crate) id: u64,
    #[n(1)]
    pub(crate) created: Timestamp,
    /// How long events are shown; none is for ever.
    #[n(2)]
    pub(crate) retention_days: Option<u32>,
    #[n(3)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// A log stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Stream {
    #[n(0)]
    pub(crate) created: Timestamp,
    #[n(1)]
    pub(crate) written: Option<Written>,
}

/// What is known of all that was written to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Written {
    /// The oldest and the newest time of an event.
    #[n(0)]
    pub(crate) first: Timestamp,
    #[n(1)]
    pub(crate) last: Timestamp,
    /// When something was last written.
    #[n(2)]
    pub(crate) ingested: Timestamp,
    /// The most milliseconds by which a chunk began before the newest time of the chunks in front of it. Zero as
    /// long as time only goes forward, which makes the log its own index of time.
    #[n(3)]
    pub(crate) late_ms: u64,
}

/// Says that a chunk is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Append {
    #[n(0)]
    pub(crate) first: Timestamp,
    #[n(1)]
    pub(crate) last: Timestamp,
    /// Whether a stream that is not there is made.
    #[n(2)]
    pub(crate) makes_stream: bool,
}

pub(crate) const APPEND: UpdateId = UpdateId("telemetry.append");

/// Every update of this crate, for the store to know at open.
pub fn updates() -> Vec<Update> {
    vec![Update { id: APPEND, apply: append }]
}

fn append(old: Option<&Row>, args: &[u8], _pos: Pos, now: Timestamp) -> Verdict {
    let refuse = |reason: &'static str| Verdict::Refuse { reason: Bytes::from_static(reason.as_bytes()) };
    let Ok(append) = minicbor::decode::<Append>(args) else { return refuse("bad arguments") };
    let stream = match old {
        Some(row) => minicbor::decode(&row.value).ok(),
        None if append.makes_stream => Some(Stream { created: now, written: None }),
        None => None,
    };
    let Some(stream) = stream else { return refuse("no such stream") };
    let written = match stream.written {
        Some(before) => before.and(append, now),
        None => Written { first: append.first, last: append.last, ingested: now, late_ms: 0 },
    };
    let value = to_bytes(&Stream { written: Some(written), ..stream });
    Verdict::Put { value, output: Bytes::new() }
}

impl Written {
    fn and(self, append: Append, now: Timestamp) -> Written {
        let late_ms = u64::try_from(self.last.since(append.first).as_millis()).unwrap_or(u64::MAX);
        Written {
            first: self.first.min(append.first),
            last: self.last.max(append.last),
            ingested: now,
            late_ms: self.late_ms.max(late_ms),
        }
    }
}

impl Group {
    /// The class of logs that keeps events at least as long as the group shows them.
    pub(crate) fn class(&self) -> Retention {
        match self.retention_days {
            Some(days) => Retention::at_least(days_of(days)),
            None => Retention::Forever,
        }
    }

    /// Events before are not shown.
    pub(crate) fn hidden_before(&self, now: Timestamp) -> Timestamp {
        match self.retention_days {
            Some(days) => {
                let millis =
                    i64::try_from(days_of(days).as_millis()).expect("days of u32 fit in milliseconds");
                Timestamp::from_millis(now.millis() - millis)
            }
            None => Timestamp::from_millis(i64::MIN),
        }
    }
}

fn days_of(days: u32) -> std::time::Duration {
    std::time::Duration::from_secs(u64::from(days) * 86_400)
}

pub(crate) fn to_bytes<T: Encode<()>>(value: &T) -> Bytes {
    Bytes::from(minicbor::to_vec(value).expect("encoding into memory does not fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_knows_how_late_its_chunks_were() {
        let mut row: Option<Row> = None;
        for (first, last, makes_stream, expected) in [
            (10, 20, true, (10, 20, 0)),
            (20, 30, false, (10, 30, 0)),
            (25, 26, false, (10, 30, 5)),
            (29, 40, false, (10, 40, 5)),
            (1, 2, false, (1, 40, 39)),
        ] {
            let (first, last) = (Timestamp::from_millis(first), Timestamp::from_millis(last));
            let args = to_bytes(&Append { first, last, makes_stream });
            let Verdict::Put { value, .. } = append(row.as_ref(), &args, Pos(1), Timestamp::EPOCH) else {
                panic!("it is appended")
            };
            let Written { first, last, late_ms, .. } =
                minicbor::decode::<Stream>(&value).unwrap().written.unwrap();
            assert_eq!((first.millis(), last.millis(), late_ms), expected);
            row = Some(Row { pos: Pos(1), value });
        }
    }

    #[test]
    fn nothing_is_written_to_a_stream_that_is_not_there() {
        let now = Timestamp::EPOCH;
        let args = to_bytes(&Append { first: now, last: now, makes_stream: false });
        assert!(matches!(append(None, &args, Pos(1), now), Verdict::Refuse { .. }));
    }

    #[test]
    fn retention_is_hidden_exactly_and_kept_roughly() {
        let group =
            |days| Group { id: 1, created: Timestamp::EPOCH, retention_days: days, tags: BTreeMap::new() };
        assert_eq!(group(Some(5)).class(), Retention::Week);
        assert_eq!(group(Some(731)).class(), Retention::Forever);
        assert_eq!(group(None).class(), Retention::Forever);
        let now = Timestamp::from_seconds(86_400 * 10);
        assert_eq!(group(Some(5)).hidden_before(now), Timestamp::from_seconds(86_400 * 5));
    }
}
