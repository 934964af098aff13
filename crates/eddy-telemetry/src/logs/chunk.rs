//! How log events lie in a stream's log: a chunk of them in each record, in the order of their times.

use eddy_base::Timestamp;
use minicbor::{Decode, Encode};

use crate::limits::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX};

/// One thing that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub at: Timestamp,
    pub message: String,
}

/// Events that were written together. Never empty, and in the order of their times.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Chunk {
    /// Of the first event.
    #[n(0)]
    pub(crate) first: Timestamp,
    /// Of the last event.
    #[n(1)]
    pub(crate) last: Timestamp,
    #[n(2)]
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Line {
    /// Milliseconds after the chunk's first event.
    #[n(0)]
    pub(crate) after: u64,
    #[n(1)]
    pub(crate) message: String,
}

/// The times of a chunk, read without its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Span {
    #[n(0)]
    pub(crate) first: Timestamp,
    #[n(1)]
    pub(crate) last: Timestamp,
}

impl Chunk {
    /// Cuts events into chunks. Sorts them by time; those of one time stay in their order.
    pub(crate) fn cut(mut events: Vec<Event>) -> Vec<Chunk> {
        events.sort_by_key(|event| event.at);
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut bytes = 0;
        for event in events {
            bytes += event.message.len();
            match chunks.last_mut() {
                Some(chunk) if bytes <= CHUNK_BYTES_MAX && chunk.lines.len() < CHUNK_EVENTS_MAX => {
                    chunk.push(event);
                }
                Some(_) | None => {
                    bytes = event.message.len();
                    chunks.push(Chunk {
                        first: event.at,
                        last: event.at,
                        lines: vec![Line { after: 0, message: event.message }],
                    });
                }
            }
        }
        chunks
    }

    fn push(&mut self, event: Event) {
        let after = u64::try_from(event.at.since(self.first).as_millis()).unwrap_or(u64::MAX);
        self.last = event.at;
        self.lines.push(Line { after, message: event.message });
    }

    pub(crate) fn events(self) -> impl Iterator<Item = Event> {
        self.lines.into_iter().map(move |line| {
            let at = self.first.plus(std::time::Duration::from_millis(line.after));
            Event { at, message: line.message }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

        #[test]
        fn chunks_hold_every_event_in_order(
            events in proptest::collection::vec((-1_000_i64..1_000, "\\PC{0,30}"), 0..3_000),
        ) {
            let event = |(at, message)| Event { at: Timestamp::from_millis(at), message };
            let mut events: Vec<Event> = events.into_iter().map(event).collect();
            let chunks = Chunk::cut(events.clone());
            events.sort_by_key(|event| event.at);
            for chunk in &chunks {
                prop_assert!((1..=CHUNK_EVENTS_MAX).contains(&chunk.lines.len()));
                let bytes = minicbor::to_vec(chunk).unwrap();
                prop_assert_eq!(&minicbor::decode::<Chunk>(&bytes).unwrap(), chunk);
                let span = Span { first: chunk.first, last: chunk.last };
                prop_assert_eq!(minicbor::decode::<Span>(&bytes).unwrap(), span);
            }
            let found: Vec<Event> = chunks.into_iter().flat_map(Chunk::events).collect();
            prop_assert_eq!(found, events);
        }
    }

    #[test]
    fn a_chunk_ends_at_its_bytes() {
        let event = |millis| Event { at: Timestamp::from_millis(millis), message: "x".repeat(40_000) };
        assert_eq!(Chunk::cut(vec![event(1), event(2), event(3)]).len(), 3);
        let huge = Event { at: Timestamp::EPOCH, message: "x".repeat(CHUNK_BYTES_MAX * 2) };
        assert_eq!(Chunk::cut(vec![huge]).len(), 1);
        assert_eq!(Chunk::cut(Vec::new()), []);
    }
}
