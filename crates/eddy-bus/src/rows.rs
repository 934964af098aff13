//! The values of the bus's rows and records: CBOR maps with integer keys, numbers never reused.

use bytes::Bytes;
use eddy_base::{Id, Timestamp};
use minicbor::{Decode, Encode};

use crate::error::Error;
use crate::position::Taken;
use crate::{Attempt, End, Event, Subscription};

/// One record of a source's log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Entry {
    /// Something happened; every subscriber may want it.
    #[n(0)]
    Event(#[n(0)] Event),
    /// A dead letter that is sent again, to the one subscription that gave it up.
    #[n(1)]
    Resent {
        #[n(0)]
        event: Event,
        #[n(1)]
        serial: u64,
    },
    /// The set of subscriptions changed: those that this change closed get nothing from here on.
    #[n(2)]
    Changed {
        #[n(0)]
        change: u64,
    },
}

/// The subscriptions of a source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Set {
    #[n(0)]
    pub(crate) lines: Vec<Enrolled>,
}

/// One subscription in the set.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Enrolled {
    /// Names this subscription and no later one of the same id.
    #[n(0)]
    pub(crate) serial: u64,
    /// It gets what is at this offset and above.
    #[n(1)]
    pub(crate) from: u64,
    #[n(2)]
    pub(crate) subscription: Subscription,
    /// The change that took it out of the set. It still gets what came before.
    #[n(3)]
    pub(crate) closed_by: Option<u64>,
}

/// How far a subscription has come.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Position {
    /// Offsets that are settled, were not wanted, or have a row of their own that says what is still to come.
    #[n(0)]
    pub(crate) taken: Taken,
    /// No retry has an offset below. May be behind the truth, which costs time at start and nothing else.
    #[n(1)]
    pub(crate) retries_from: u64,
}

/// An event that failed and will be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Retry {
    #[n(0)]
    pub(crate) due: Timestamp,
    /// Attempts so far, each of which failed.
    #[n(1)]
    pub(crate) attempts: Vec<Attempt>,
}

/// How it went with an event that is settled for good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Ended {
    #[n(0)]
    pub(crate) subscription: String,
    #[n(1)]
    pub(crate) attempts: Vec<Attempt>,
    /// How often it was put back between.
    #[n(2)]
    pub(crate) put_backs: u32,
    #[n(3)]
    pub(crate) end: End,
    #[n(4)]
    pub(crate) at: Timestamp,
}

/// That a dead letter was sent again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Resent {
    #[n(0)]
    pub(crate) at: Timestamp,
}

impl Entry {
    /// The event that the record is about.
    pub(crate) fn event(&self) -> Option<&Event> {
        match self {
            Entry::Event(event) | Entry::Resent { event, .. } => Some(event),
            Entry::Changed { .. } => None,
        }
    }

    /// The id of the event in an encoded entry, without decoding, and so copying, the rest.
    pub(crate) fn peek_id(bytes: &[u8]) -> Option<Id> {
        const CHANGED: u32 = 2;
        let mut d = minicbor::Decoder::new(bytes);
        d.array().ok()?;
        if d.u32().ok()? == CHANGED {
            return None;
        }
        d.array().ok()?;
        d.map().ok()?;
        (d.u8().ok()? == 0).then(|| d.decode().ok()).flatten()
    }
}

impl Position {
    pub(crate) fn starting(from: u64) -> Position {
        Position { taken: Taken::below(from), retries_from: from }
    }
}

/// A stored value as what it is.
pub(crate) fn read<T: for<'b> Decode<'b, ()>>(bytes: &[u8], what: &'static str) -> Result<T, Error> {
    minicbor::decode(bytes).map_err(|_| Error::Unreadable(what))
}

/// A value as it is stored.
pub(crate) fn to_bytes<T: Encode<()>>(value: &T) -> Bytes {
    Bytes::from(minicbor::to_vec(value).expect("encoding into memory does not fail"))
}

#[cfg(test)]
mod tests {
    use eddy_base::{Cause, Scope};

    use super::*;
    use crate::Source;

    #[test]
    fn an_id_is_found_without_decoding() {
        let id = Id::from_bytes([9; 16]);
        let event = Event {
            id,
            at: Timestamp::from_millis(1),
            source: Source::Bucket {
                scope: Scope { account: Default::default(), region: Default::default() },
                name: "b".into(),
            },
            kind: "object.created.put".into(),
            subject: "a".into(),
            cause: Cause::root(Id::from_bytes([1; 16])),
            data: Bytes::from_static(b"x"),
        };
        for (entry, expected) in [
            (Entry::Event(event.clone()), Some(id)),
            (Entry::Resent { event, serial: 3 }, Some(id)),
            (Entry::Changed { change: 4 }, None),
        ] {
            let bytes = to_bytes(&entry);
            assert_eq!(Entry::peek_id(&bytes), expected);
            assert_eq!(minicbor::decode::<Entry>(&bytes).unwrap(), entry);
            assert_eq!(Entry::peek_id(&bytes[..3]), None);
        }
    }
}
