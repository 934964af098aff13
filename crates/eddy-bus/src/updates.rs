//! What is decided inside a commit: who is subscribed, and how far each has come.

use bytes::Bytes;
use eddy_base::Timestamp;
use eddy_store::{Pos, Row, Update, UpdateId, Verdict};
use minicbor::{Decode, Encode};

use crate::Subscription;
use crate::limits::SUBSCRIPTIONS_MAX;
use crate::rows::{Enrolled, Position, Set, to_bytes};

pub(crate) const ENROLL: UpdateId = UpdateId("bus.enroll");
pub(crate) const RETIRE: UpdateId = UpdateId("bus.retire");
pub(crate) const SETTLE: UpdateId = UpdateId("bus.settle");

/// Every update of the bus, for the store to know at open.
pub fn updates() -> Vec<Update> {
    vec![
        Update { id: ENROLL, apply: enroll },
        Update { id: RETIRE, apply: retire },
        Update { id: SETTLE, apply: settle },
    ]
}

/// Makes `wanted` the active subscriptions of a source.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Enroll {
    #[n(0)]
    pub(crate) wanted: Vec<Subscription>,
    /// Where those begin that are new.
    #[n(1)]
    pub(crate) from: u64,
    /// Names this change in the log, so that the subscriptions it closes know where they end.
    #[n(2)]
    pub(crate) change: u64,
}

/// Takes a closed subscription out of the set.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Retire {
    #[n(0)]
    pub(crate) serial: u64,
}

/// Takes offsets off a subscription's backlog.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Settle {
    /// Half-open ranges.
    #[n(0)]
    pub(crate) taken: Vec<(u64, u64)>,
    /// Where the subscription began, for its first position.
    #[n(1)]
    pub(crate) from: u64,
    /// The first retry that is left after this batch.
    #[n(2)]
    pub(crate) first_retry: Option<u64>,
}

/// Serials are the commit's position with room for as many subscriptions as one source can have.
const SERIAL_SHIFT: u32 = 10;
const _: () = assert!(SUBSCRIPTIONS_MAX < 1 << SERIAL_SHIFT);

fn enroll(old: Option<&Row>, args: &[u8], pos: Pos, _now: Timestamp) -> Verdict {
    let (Some(mut set), Some(args)) = (stored::<Set>(old), argument::<Enroll>(args)) else {
        return unreadable();
    };
    let mut wanted = args.wanted;
    for line in set.lines.iter_mut().filter(|line| line.closed_by.is_none()) {
        match wanted.iter().position(|subscription| subscription.id == line.subscription.id) {
            Some(index) => line.subscription = wanted.remove(index),
            None => line.closed_by = Some(args.change),
        }
    }
    for (index, subscription) in (0_u64..).zip(wanted) {
        let serial = (pos.0 << SERIAL_SHIFT) | index;
        set.lines.push(Enrolled { serial, from: args.from, subscription, closed_by: None });
    }
    if set.lines.len() > SUBSCRIPTIONS_MAX {
        return Verdict::Refuse { reason: Bytes::from_static(b"too many subscriptions") };
    }
    Verdict::Put { value: to_bytes(&set), output: Bytes::new() }
}

fn retire(old: Option<&Row>, args: &[u8], _pos: Pos, _now: Timestamp) -> Verdict {
    let (Some(mut set), Some(args)) = (stored::<Set>(old), argument::<Retire>(args)) else {
        return unreadable();
    };
    set.lines.retain(|line| line.serial != args.serial);
    if set.lines.is_empty() {
        return Verdict::Delete { output: Bytes::new() };
    }
    Verdict::Put { value: to_bytes(&set), output: Bytes::new() }
}

fn settle(old: Option<&Row>, args: &[u8], _pos: Pos, _now: Timestamp) -> Verdict {
    let Some(args) = argument::<Settle>(args) else { return unreadable() };
    let old = match old {
        None => Some(Position::starting(args.from)),
        Some(row) => argument::<Position>(&row.value),
    };
    let Some(mut position) = old else { return unreadable() };
    for (from, to) in args.taken {
        position.taken.take(from, to);
    }
    // What is not taken yet may still become a retry, so the mark stays at or below the low one.
    position.retries_from = args.first_retry.unwrap_or(u64::MAX).min(position.taken.low());
    Verdict::Put { value: to_bytes(&position), output: Bytes::new() }
}

fn stored<T: Default + for<'b> Decode<'b, ()>>(old: Option<&Row>) -> Option<T> {
    old.map_or_else(|| Some(T::default()), |row| argument(&row.value))
}

fn argument<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Option<T> {
    minicbor::decode(bytes).ok()
}

fn unreadable() -> Verdict {
    Verdict::Refuse { reason: Bytes::from_static(b"a row of the bus cannot be read") }
}

#[cfg(test)]
mod tests {
    use eddy_base::Scope;

    use super::*;
    use crate::{Filter, TargetName};

    fn subscription(id: &str, prefix: &str) -> Subscription {
        let scope = Scope { account: Default::default(), region: Default::default() };
        Subscription {
            id: id.into(),
            filter: Filter { prefix: prefix.into(), ..Filter::default() },
            target: TargetName::Function { scope, name: "f".into(), qualifier: None },
            shape: Subscription::RAW.into(),
            retry_base_ms: None,
        }
    }

    fn value(verdict: Verdict) -> Option<Row> {
        match verdict {
            Verdict::Put { value, .. } => Some(Row { pos: Pos(1), value }),
            Verdict::Delete { .. } => None,
            Verdict::Keep { .. } | Verdict::Refuse { .. } => panic!("{verdict:?}"),
        }
    }

    fn replace(old: Option<&Row>, wanted: &[(&str, &str)], from: u64, change: u64) -> Option<Row> {
        let wanted = wanted.iter().map(|(id, prefix)| subscription(id, prefix)).collect();
        let args = to_bytes(&Enroll { wanted, from, change });
        value(enroll(old, &args, Pos(change), Timestamp::EPOCH))
    }

    fn lines(row: Option<&Row>) -> Vec<(u64, u64, String, String, Option<u64>)> {
        let set: Set = stored(row).unwrap();
        let line = |line: Enrolled| {
            let Subscription { id, filter, .. } = line.subscription;
            (line.serial, line.from, id, filter.prefix, line.closed_by)
        };
        set.lines.into_iter().map(line).collect()
    }

    #[test]
    fn replacing_keeps_what_stays_and_closes_what_goes() {
        let first = replace(None, &[("a", "x"), ("b", "")], 5, 1);
        let a = (1 << 10, 5, "a".into(), "x".into(), None);
        let b = ((1 << 10) | 1, 5, "b".into(), String::new(), None);
        assert_eq!(lines(first.as_ref()), [a, b.clone()]);

        // The same id with another filter keeps its place; the other one ends; a new one begins later.
        let second = replace(first.as_ref(), &[("c", ""), ("a", "y")], 9, 2);
        let a = (1 << 10, 5, "a".into(), "y".into(), None);
        let b = (b.0, b.1, b.2, b.3, Some(2));
        let c = (2 << 10, 9, "c".into(), String::new(), None);
        assert_eq!(lines(second.as_ref()), [a.clone(), b.clone(), c.clone()]);

        // An id that comes back while its old subscription still ends is a new one.
        let third = replace(second.as_ref(), &[("b", ""), ("a", "y"), ("c", "")], 12, 3);
        assert_eq!(lines(third.as_ref()), [a, b.clone(), c, (3 << 10, 12, "b".into(), String::new(), None)]);

        let retired =
            value(retire(third.as_ref(), &to_bytes(&Retire { serial: b.0 }), Pos(4), Timestamp::EPOCH));
        assert_eq!(lines(retired.as_ref()).len(), 3);
    }

    #[test]
    fn the_last_one_takes_the_row_with_it() {
        let one = replace(None, &[("a", "")], 0, 1);
        let closed = replace(one.as_ref(), &[], 3, 2);
        assert_eq!(lines(closed.as_ref())[0].4, Some(2));
        let args = to_bytes(&Retire { serial: 1 << 10 });
        assert_eq!(value(retire(closed.as_ref(), &args, Pos(3), Timestamp::EPOCH)), None);
    }

    #[test]
    fn settling_moves_the_position_and_the_mark_of_retries() {
        let step = |old: Option<&Row>, taken: &[(u64, u64)], first_retry| {
            let args = to_bytes(&Settle { taken: taken.to_vec(), from: 10, first_retry });
            value(settle(old, &args, Pos(1), Timestamp::EPOCH))
        };
        let check = |row: Option<&Row>, low: u64, retries_from: u64| {
            let position: Position = minicbor::decode(&row.unwrap().value).unwrap();
            assert_eq!((position.taken.low(), position.retries_from), (low, retries_from));
        };
        let row = step(None, &[(11, 12)], None);
        check(row.as_ref(), 10, 10);
        let row = step(row.as_ref(), &[(10, 11)], Some(10));
        check(row.as_ref(), 12, 10);
        let row = step(row.as_ref(), &[(12, 15)], None);
        check(row.as_ref(), 15, 15);
    }

    #[test]
    fn garbage_is_refused() {
        for apply in [enroll, retire, settle] {
            assert!(matches!(apply(None, b"\xff", Pos(1), Timestamp::EPOCH), Verdict::Refuse { .. }));
        }
        let bad = Row { pos: Pos(1), value: Bytes::from_static(b"\xff") };
        let args = to_bytes(&Settle { taken: Vec::new(), from: 0, first_retry: None });
        assert!(matches!(settle(Some(&bad), &args, Pos(1), Timestamp::EPOCH), Verdict::Refuse { .. }));
    }
}
