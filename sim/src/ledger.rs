//! What clients were told, and what must therefore be there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::client::Told;

/// The ledger of one run. Guests write into it what reached them.
#[derive(Default)]
pub struct Ledger {
    book: Mutex<Book>,
}

#[derive(Default)]
pub struct Book {
    /// What may be at a path; nothing stands for no object.
    pub objects: BTreeMap<String, Vec<Option<Bytes>>>,
    /// Paths that many try to make and one may: what the one who heard yes wrote there.
    pub contested: BTreeMap<String, Contest>,
    /// Markers of asynchronous invocations that were acknowledged.
    pub events: BTreeSet<String>,
    /// Keys and ETags of puts that were acknowledged and are to be copied.
    pub puts: BTreeSet<(String, String)>,
    /// Lines of the log that were acknowledged, with their streams.
    pub lines: BTreeSet<(String, String)>,
    /// Functions, with the code that they have; nothing stands for deleted ones.
    pub functions: BTreeMap<String, Option<String>>,
    pub ran: BTreeMap<String, u64>,
    pub copied: BTreeMap<(String, String), u64>,
    pub counts: Counts,
    /// What must not have happened.
    pub wrong: Vec<String>,
}

/// How requests that change something ended.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub acknowledged: u64,
    pub unknown: u64,
    pub refused: u64,
}

/// A path that is written under the condition that nothing is there.
#[derive(Default)]
pub struct Contest {
    pub winners: Vec<Bytes>,
    /// Those who do not know whether they have won.
    pub unknown: Vec<Bytes>,
    /// Somebody was told that it is there.
    pub is_there: bool,
}

/// What an answer means for the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Acknowledged,
    /// It may have taken effect.
    Unknown,
    /// It has not taken effect.
    Not,
}

impl Ledger {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An echo function has handled the event of this marker.
    pub fn ran(&self, marker: &str) {
        *self.book().ran.entry(marker.to_owned()).or_default() += 1;
    }

    /// The copy function has handled this put.
    pub fn copied(&self, key: &str, tag: &str) {
        *self.book().copied.entry((key.to_owned(), tag.to_owned())).or_default() += 1;
    }

    pub fn wrong(&self, what: String) {
        self.book().wrong.push(what);
    }

    /// What a client makes of an answer to a change. A refusal that blames the client is wrong here: these clients
    /// make no mistakes.
    pub fn judge(&self, what: &str, told: &Told) -> Verdict {
        let mut book = self.book();
        let verdict = match told {
            Told::Unreached => return Verdict::Not,
            Told::Cut => Verdict::Unknown,
            // A completion answers 200 early and says in the body that it failed.
            Told::Answer(answer) if answer.status.is_success() && answer.xml("Code").is_none() => {
                Verdict::Acknowledged
            }
            Told::Answer(answer) if answer.status.is_client_error() && answer.status != 429 => {
                book.wrong.push(format!("{what} was refused: {answer}"));
                Verdict::Not
            }
            Told::Answer(_) => Verdict::Unknown,
        };
        match verdict {
            Verdict::Acknowledged => book.counts.acknowledged += 1,
            Verdict::Unknown => book.counts.unknown += 1,
            Verdict::Not => book.counts.refused += 1,
        }
        verdict
    }
}

impl Book {
    /// Acknowledged events that no function has handled and that are not kept as failed either.
    pub fn undelivered(&self, failed: &Failed) -> Vec<String> {
        let events = self
            .events
            .iter()
            .filter(|marker| !self.ran.contains_key(*marker) && !failed.markers.contains(*marker));
        let puts = self.puts.iter().filter(|(key, tag)| {
            !self.copied.contains_key(&(key.clone(), tag.clone())) && !failed.keys.contains(key)
        });
        let puts = puts.map(|(key, tag)| format!("the event of src/{key} with ETag {tag}"));
        events.map(|marker| format!("the event {marker}")).chain(puts).collect()
    }
}

/// Events that are kept as failed.
#[derive(Default)]
pub struct Failed {
    /// Markers of asynchronous invocations.
    pub markers: BTreeSet<String>,
    /// Keys of objects.
    pub keys: BTreeSet<String>,
}
