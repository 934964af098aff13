//! What clients were told, and what may therefore be there. Pure: it asks nobody, so that its own eyes can be tested.
//!
//! A thing is in one of few states at any time. A request without an answer leaves two that are right: the one
//! before and the one asked for. Anything else is lost, torn or undead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// What has a name on the server. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// Put in one request, overwritten, deleted.
    Object(u64),
    /// An object of a multipart upload.
    Assembled(u64),
    /// An object in the bucket that tells a function of it.
    Noted(u64),
    Function(u64),
    /// The lines of one PutLogEvents.
    Lines(u64),
    /// An asynchronous invocation, seen by what the function prints.
    Event(u64),
    /// What the bucket tells of a [`Thing::Noted`], seen in the same way.
    Notice(u64),
}

/// How a thing is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Absent,
    /// There, as its revision of this number.
    Whole(u32),
}

/// How a thing is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    As(State),
    /// There and as nobody wrote it; says what is wrong.
    Torn(String),
}

/// What is known about a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fate {
    settled: State,
    /// Asked for, with no answer yet, or never one.
    asked: Option<State>,
    is_new: bool,
}

/// The whole book.
#[derive(Debug, Default)]
pub struct Ledger {
    numbers: AtomicU64,
    answered: AtomicU64,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    fates: BTreeMap<Thing, Fate>,
    /// Answers that no request should have had.
    wrong: Vec<String>,
}

/// Which things to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Whatever was touched since the last look.
    Newest,
    All,
}

impl Ledger {
    /// A number that nobody else has.
    pub fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A request is about to ask for this state.
    pub fn asked(&self, thing: Thing, state: State) {
        let mut book = self.book();
        let fate =
            book.fates.entry(thing).or_insert(Fate { settled: State::Absent, asked: None, is_new: true });
        fate.asked = Some(state);
        fate.is_new = true;
    }

    /// The server said yes to what was asked last.
    pub fn acknowledged(&self, thing: Thing) {
        let mut book = self.book();
        let fate = book.fates.get_mut(&thing).expect("asked before it is acknowledged");
        fate.settled = fate.asked.take().expect("asked before it is acknowledged");
    }

    /// An invocation had its answer.
    pub fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub fn invocations(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// An answer that no request should have had.
    pub fn complain(&self, what: String) {
        self.book().wrong.push(what);
    }

    pub fn complaints(&self) -> Vec<String> {
        self.book().wrong.clone()
    }

    /// The things to look at.
    pub fn things(&self, reach: Reach) -> Vec<Thing> {
        let book = self.book();
        let wanted = book.fates.iter().filter(|(_, fate)| reach == Reach::All || fate.is_new);
        wanted.map(|(thing, _)| *thing).collect()
    }

    /// How many things of a kind are acknowledged to be there.
    pub fn count(&self, is_kind: fn(&Thing) -> bool) -> usize {
        let book = self.book();
        let there = |fate: &Fate| matches!(fate.settled, State::Whole(_));
        book.fates.iter().filter(|(thing, fate)| is_kind(thing) && there(fate)).count()
    }

    /// Holds what is found against what was said, and tells what is wrong. What was in doubt is settled by this
    /// look: a later one must find the same.
    pub fn judge(&self, found: &BTreeMap<Thing, Seen>) -> Vec<String> {
        let mut book = self.book();
        let mut wrong = Vec::new();
        for (thing, seen) in found {
            let Some(fate) = book.fates.get_mut(thing) else {
                wrong.push(format!("{thing:?} is {seen:?}, and nobody asked for it"));
                continue;
            };
            match seen {
                Seen::As(state) if *state == fate.settled || Some(*state) == fate.asked => {
                    *fate = Fate { settled: *state, asked: None, is_new: false };
                }
                Seen::As(_) | Seen::Torn(_) => {
                    wrong.push(format!("{thing:?} is {seen:?}, acknowledged is {fate:?}"));
                }
            }
        }
        wrong
    }

    /// Events and notices that were acknowledged and have not reached their function.
    pub fn undelivered(&self, delivered: &BTreeSet<Thing>) -> Vec<Thing> {
        let book = self.book();
        let owed = book.fates.iter().filter(|(thing, fate)| {
            matches!(thing, Thing::Event(_) | Thing::Notice(_)) && fate.settled == State::Whole(0)
        });
        owed.map(|(thing, _)| *thing).filter(|thing| !delivered.contains(thing)).collect()
    }

    /// Deliveries of what nobody sent.
    pub fn invented(&self, delivered: &BTreeSet<Thing>) -> Vec<Thing> {
        let book = self.book();
        delivered.iter().filter(|thing| !book.fates.contains_key(thing)).copied().collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no writer panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Seen = Seen::As(State::Absent);
    const FIRST: Seen = Seen::As(State::Whole(0));
    const SECOND: Seen = Seen::As(State::Whole(1));

    fn ledger(said: &[(State, bool)]) -> Ledger {
        let ledger = Ledger::default();
        for (state, is_answered) in said {
            ledger.asked(Thing::Object(1), *state);
            if *is_answered {
                ledger.acknowledged(Thing::Object(1));
            }
        }
        ledger
    }

    #[test]
    fn what_was_said_decides_what_may_be_found() {
        use State::{Absent, Whole};
        type Said = &'static [(State, bool)];
        let torn = Seen::Torn("half of it".to_owned());
        let cases: [(Said, &[&Seen], &[&Seen]); 6] = [
            (&[(Whole(0), true)], &[&FIRST], &[&ABSENT, &SECOND, &torn]),
            (&[(Whole(0), false)], &[&ABSENT, &FIRST], &[&SECOND, &torn]),
            (&[(Whole(0), true), (Whole(1), true)], &[&SECOND], &[&ABSENT, &FIRST, &torn]),
            (&[(Whole(0), true), (Whole(1), false)], &[&FIRST, &SECOND], &[&ABSENT, &torn]),
            (&[(Whole(0), true), (Absent, true)], &[&ABSENT], &[&FIRST, &torn]),
            (&[(Whole(0), true), (Absent, false)], &[&ABSENT, &FIRST], &[&SECOND, &torn]),
        ];
        for (said, right, wrong) in cases {
            for seen in right {
                let found = BTreeMap::from([(Thing::Object(1), (*seen).clone())]);
                assert_eq!(ledger(said).judge(&found), Vec::<String>::new(), "{said:?} {seen:?}");
            }
            for seen in wrong {
                let found = BTreeMap::from([(Thing::Object(1), (*seen).clone())]);
                assert_eq!(ledger(said).judge(&found).len(), 1, "{said:?} {seen:?}");
            }
        }
    }

    #[test]
    fn a_look_settles_what_was_in_doubt() {
        let ledger = ledger(&[(State::Whole(0), false)]);
        assert!(ledger.judge(&BTreeMap::from([(Thing::Object(1), FIRST)])).is_empty());
        assert_eq!(ledger.judge(&BTreeMap::from([(Thing::Object(1), ABSENT)])).len(), 1);
    }

    #[test]
    fn things_that_nobody_asked_for_are_wrong() {
        assert_eq!(Ledger::default().judge(&BTreeMap::from([(Thing::Function(7), FIRST)])).len(), 1);
        let delivered = BTreeSet::from([Thing::Event(7)]);
        assert_eq!(Ledger::default().invented(&delivered), [Thing::Event(7)]);
    }

    #[test]
    fn only_acknowledged_events_are_owed() {
        let ledger = Ledger::default();
        for number in [1, 2, 3] {
            ledger.asked(Thing::Event(number), State::Whole(0));
        }
        ledger.acknowledged(Thing::Event(1));
        ledger.acknowledged(Thing::Event(2));
        assert_eq!(ledger.undelivered(&BTreeSet::from([Thing::Event(1)])), [Thing::Event(2)]);
    }

    #[test]
    fn the_newest_are_what_nobody_has_looked_at() {
        let ledger = ledger(&[(State::Whole(0), true)]);
        ledger.asked(Thing::Lines(2), State::Whole(0));
        assert_eq!(ledger.things(Reach::Newest), [Thing::Object(1), Thing::Lines(2)]);
        ledger.judge(&BTreeMap::from([(Thing::Object(1), FIRST)]));
        assert_eq!(ledger.things(Reach::Newest), [Thing::Lines(2)]);
        assert_eq!(ledger.things(Reach::All), [Thing::Object(1), Thing::Lines(2)]);
    }
}
