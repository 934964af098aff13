//! One subscription's place in its log: what is on its way, what waits, what comes next. Pure bookkeeping: it knows
//! offsets and times, reads nothing and sends nothing.
//!
//! An offset is in one of these states: *ahead* (not read yet), *leased* (an attempt runs), *settling* (its end is
//! being committed), *waiting* (put back, or failed and due later), or *taken*. Offsets become taken only by a
//! commit that has happened, so what this forgets at a crash comes again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eddy_base::Timestamp;

use crate::Lease;
use crate::decide::Past;
use crate::limits::{LEASE, SKIPPED_UNWRITTEN_MAX, WAITING_MAX};
use crate::position::Taken;
use crate::rows::Position;
use crate::updates::Settle;
use crate::window::Window;

/// See the module.
#[derive(Debug)]
pub(crate) struct Line {
    /// The subscription's first offset.
    from: u64,
    /// The next offset that the log will give.
    head: u64,
    /// The next offset to read.
    read: u64,
    /// What was taken when the line was loaded; a reader passes over it.
    taken: Taken,
    /// Offsets passed over that no commit has taken yet.
    passed: Vec<(u64, u64)>,
    leased: BTreeMap<u64, Leased>,
    settling: BTreeSet<u64>,
    waiting: HashMap<u64, Waiting>,
    /// `waiting`, by when it is due.
    due: BTreeSet<(Timestamp, u64)>,
    /// Offsets that have a retry row, whatever state they are in.
    retry_rows: BTreeSet<u64>,
    window: Window,
    grants: u32,
    /// The subscription is closed and gets nothing from the log any more.
    ends: bool,
}

#[derive(Debug)]
struct Leased {
    grant: u32,
    past: Past,
    until: Timestamp,
    epoch: u32,
}

#[derive(Debug)]
struct Waiting {
    due: Timestamp,
    past: Past,
}

/// What may start now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// An event that waited.
    Again {
        offset: u64,
        past: Past,
    },
    /// New records: up to `max`, from `from` on.
    Read {
        from: u64,
        max: usize,
    },
    Nothing,
}

impl Line {
    /// A line as the store has it: its position, and the offset, due time and failures of each retry.
    pub(crate) fn load(
        from: u64,
        position: Option<Position>,
        retries: impl IntoIterator<Item = (u64, Timestamp, u32)>,
        head: u64,
        window: Window,
    ) -> Line {
        let taken = position.unwrap_or_else(|| Position::starting(from)).taken;
        let mut line = Line {
            from,
            head,
            read: taken.low(),
            taken,
            passed: Vec::new(),
            leased: BTreeMap::new(),
            settling: BTreeSet::new(),
            waiting: HashMap::new(),
            due: BTreeSet::new(),
            retry_rows: BTreeSet::new(),
            window,
            grants: 0,
            ends: false,
        };
        for (offset, due, failures) in retries {
            line.retry_rows.insert(offset);
            line.wait(offset, due, Past { failures, put_backs: 0 });
        }
        line
    }

    /// The log has grown.
    pub(crate) fn grown_to(&mut self, head: u64) {
        self.head = self.head.max(head);
    }

    /// What may start now. Ask again after doing it.
    pub(crate) fn next(&self, now: Timestamp, parallel_max: usize) -> Next {
        let room = self.window.room(self.leased.len(), parallel_max, now);
        // While commits are slow, ends pile up; then the target has to wait as well.
        if room == 0 || self.settling.len() >= parallel_max.saturating_mul(16) {
            return Next::Nothing;
        }
        match self.due.first() {
            Some((due, offset)) if *due <= now => {
                return Next::Again { offset: *offset, past: self.waiting[offset].past };
            }
            Some(_) | None => {}
        }
        if self.ends || self.read >= self.head || self.waiting.len() >= WAITING_MAX {
            return Next::Nothing;
        }
        Next::Read { from: self.read, max: room }
    }

    /// A reader has seen this offset. Whether it is news: not taken before the start, nor behind the end.
    pub(crate) fn advance(&mut self, offset: u64) -> bool {
        debug_assert!(offset >= self.read, "a log is read forward");
        // Offsets that the log no longer holds count as passed over.
        if offset > self.read {
            self.pass(self.read, offset);
        }
        self.read = offset + 1;
        !self.ends && !self.taken.contains(offset)
    }

    /// The records from `from` to `to` are not for this subscription.
    pub(crate) fn pass(&mut self, from: u64, to: u64) {
        self.read = self.read.max(to);
        match self.passed.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            Some(_) | None => self.passed.push((from, to)),
        }
    }

    /// So much was passed over that it should be written down even if nothing is settled.
    pub(crate) fn has_passed_much(&self) -> bool {
        let passed: u64 = self.passed.iter().map(|(from, to)| to - from).sum();
        passed >= SKIPPED_UNWRITTEN_MAX
    }

    /// Gives out an offset that was just read or that is due.
    pub(crate) fn lease(&mut self, offset: u64, now: Timestamp) -> Lease {
        let past = match self.waiting.remove(&offset) {
            Some(waiting) => {
                self.due.remove(&(waiting.due, offset));
                waiting.past
            }
            None => Past::default(),
        };
        self.grants = self.grants.wrapping_add(1);
        let leased = Leased { grant: self.grants, past, until: now.plus(LEASE), epoch: self.window.epoch() };
        let before = self.leased.insert(offset, leased);
        assert!(before.is_none() && !self.settling.contains(&offset), "an offset has one lease at a time");
        Lease { offset, grant: self.grants }
    }

    /// Ends a lease: whoever holds it says how it went. `None` when it is void, so what is said changes nothing.
    pub(crate) fn give_back(&mut self, lease: Lease) -> Option<Past> {
        if self.leased.get(&lease.offset).is_none_or(|leased| leased.grant != lease.grant) {
            return None;
        }
        let leased = self.leased.remove(&lease.offset).expect("looked at above");
        self.settling.insert(lease.offset);
        Some(leased.past)
    }

    /// The lease's epoch of the window, to be asked before it is given back.
    pub(crate) fn epoch(&self, lease: Lease) -> u32 {
        self.leased.get(&lease.offset).map_or(0, |leased| leased.epoch)
    }

    pub(crate) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// An offset that was given back waits; for a failed one, after the commit of its retry row.
    pub(crate) fn wait_again(&mut self, offset: u64, due: Timestamp, past: Past) {
        self.settling.remove(&offset);
        self.wait(offset, due, past);
    }

    /// A batch is about to go: it deletes or writes the retry rows of these offsets and takes them.
    pub(crate) fn settle(&mut self, retried: &[u64], ended: &[u64]) -> Settle {
        for offset in ended {
            self.retry_rows.remove(offset);
        }
        self.retry_rows.extend(retried);
        let mut taken = std::mem::take(&mut self.passed);
        taken.extend(retried.iter().chain(ended).map(|offset| (*offset, offset + 1)));
        Settle { taken, from: self.from, first_retry: self.retry_rows.first().copied() }
    }

    /// The batch that ended this offset is on disk.
    pub(crate) fn ended(&mut self, offset: u64) {
        self.settling.remove(&offset);
    }

    /// Whether the offset has a retry row, which its end must delete.
    pub(crate) fn has_retry_row(&self, offset: u64) -> bool {
        self.retry_rows.contains(&offset)
    }

    /// Leases that have run out.
    pub(crate) fn overdue(&self, now: Timestamp) -> Vec<Lease> {
        let overdue = self.leased.iter().filter(|(_, leased)| leased.until <= now);
        overdue.map(|(offset, leased)| Lease { offset: *offset, grant: leased.grant }).collect()
    }

    /// The subscription ends at this point of the log.
    pub(crate) fn end(&mut self) {
        self.ends = true;
    }

    /// A closed subscription has nothing more to come.
    pub(crate) fn is_over(&self) -> bool {
        self.ends && self.is_resting()
    }

    /// Nothing is going on and nothing is left to do or to write.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_resting() && self.passed.is_empty() && self.read >= self.head
    }

    fn is_resting(&self) -> bool {
        self.leased.is_empty() && self.settling.is_empty() && self.waiting.is_empty()
    }

    /// Everything has been read.
    pub(crate) fn is_at_head(&self) -> bool {
        self.read >= self.head
    }

    /// When something may start or runs out that cannot now, with no word from outside.
    pub(crate) fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.due.first().map(|(due, _)| *due).filter(|due| *due > now);
        let opens = self.window.opens_at().filter(|opens| *opens > now);
        let runs_out = self.leased.values().map(|leased| leased.until).min();
        due.into_iter().chain(opens).chain(runs_out).min()
    }

    pub(crate) fn running(&self) -> usize {
        self.leased.len()
    }

    /// Events not attempted yet, at most (filters have not seen them), and events that wait for another attempt.
    pub(crate) fn backlog(&self) -> (u64, u64) {
        let retrying = self.waiting.values().filter(|waiting| waiting.past.failures > 0).count();
        let unread = if self.ends { 0 } else { self.head.saturating_sub(self.read) };
        let (put_back, retrying) = (as_u64(self.waiting.len() - retrying), as_u64(retrying));
        (unread + put_back, retrying)
    }

    fn wait(&mut self, offset: u64, due: Timestamp, past: Past) {
        self.due.insert((due, offset));
        self.waiting.insert(offset, Waiting { due, past });
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).expect("a count in memory fits")
}

#[cfg(test)]
mod tests {
    use eddy_store::{Pos, Row, Verdict};
    use proptest::prelude::*;

    use super::*;
    use crate::rows::to_bytes;
    use crate::updates::{SETTLE, updates};

    const PARALLEL: usize = 4;

    /// What happens to a line.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Append,
        Start,
        /// The n-th delivery on its way ends.
        Done(usize),
        Fail(usize),
        PutBack(usize),
        /// Somebody says again how a delivery of the past went.
        Late(usize),
        Commit,
        Wait(i64),
        Crash,
    }

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Append),
            6 => Just(Step::Start),
            4 => (0..8_usize).prop_map(Step::Done),
            3 => (0..8_usize).prop_map(Step::Fail),
            2 => (0..8_usize).prop_map(Step::PutBack),
            2 => (0..50_usize).prop_map(Step::Late),
            4 => Just(Step::Commit),
            3 => (0..100_000_i64).prop_map(Step::Wait),
            1 => Just(Step::Crash),
        ]
    }

    /// A line with a store that keeps what is committed, and a log whose every third record nobody wants.
    struct World {
        line: Line,
        now: Timestamp,
        head: u64,
        position: Option<Row>,
        retries: BTreeMap<u64, (Timestamp, u32)>,
        done: BTreeSet<u64>,
        flying: Vec<Lease>,
        past: Vec<Lease>,
        /// Offsets that ended or are to be retried, to be committed.
        queue: Vec<(u64, Option<(Timestamp, Past)>)>,
    }

    fn is_wanted(offset: u64) -> bool {
        !offset.is_multiple_of(3)
    }

    impl World {
        fn new() -> World {
            World {
                line: Line::load(0, None, [], 0, Window::new(PARALLEL)),
                now: Timestamp::EPOCH,
                head: 0,
                position: None,
                retries: BTreeMap::new(),
                done: BTreeSet::new(),
                flying: Vec::new(),
                past: Vec::new(),
                queue: Vec::new(),
            }
        }

        fn step(&mut self, step: Step) {
            match step {
                Step::Append => {
                    self.head += 1;
                    self.line.grown_to(self.head);
                }
                Step::Start => self.start(),
                Step::Done(n) => {
                    if let Some((offset, _)) = self.give_back(n) {
                        self.line.window().took(PARALLEL);
                        self.queue.push((offset, None));
                    }
                }
                Step::Fail(n) => {
                    if let Some((offset, past)) = self.give_back(n) {
                        let due = self.now.plus(std::time::Duration::from_secs(60));
                        let past = Past { failures: past.failures + 1, ..past };
                        self.queue.push((offset, (past.failures < 3).then_some((due, past))));
                    }
                }
                Step::PutBack(n) => {
                    let epoch = self.flying.get(n).map_or(0, |lease| self.line.epoch(*lease));
                    if let Some((offset, past)) = self.give_back(n) {
                        self.line.window().put_back(epoch, self.now, 1_000);
                        let due = self.now.plus(std::time::Duration::from_secs(1));
                        self.line.wait_again(offset, due, Past { put_backs: past.put_backs + 1, ..past });
                    }
                }
                Step::Late(n) => {
                    if let Some(lease) = self.past.get(n) {
                        assert_eq!(self.line.give_back(*lease), None, "a lease is settled once");
                    }
                }
                Step::Commit => self.commit(),
                Step::Wait(millis) => {
                    self.now = self.now.plus(std::time::Duration::from_millis(millis.unsigned_abs()));
                }
                Step::Crash => self.crash(),
            }
        }

        fn start(&mut self) {
            loop {
                match self.line.next(self.now, PARALLEL) {
                    Next::Nothing => break,
                    Next::Again { offset, .. } => self.lease(offset),
                    Next::Read { from, max } => {
                        assert!(from < self.head && max > 0);
                        let to = self.head.min(from + u64::try_from(max).unwrap());
                        for offset in from..to {
                            let is_news = self.line.advance(offset);
                            match (is_news, is_wanted(offset)) {
                                (true, true) => self.lease(offset),
                                (true, false) => self.line.pass(offset, offset + 1),
                                (false, _) => {}
                            }
                        }
                    }
                }
            }
            assert!(self.line.running() <= PARALLEL);
        }

        fn lease(&mut self, offset: u64) {
            assert!(!self.done.contains(&offset), "{offset} ended and was committed");
            self.flying.push(self.line.lease(offset, self.now));
        }

        fn give_back(&mut self, n: usize) -> Option<(u64, Past)> {
            let lease = (n < self.flying.len()).then(|| self.flying.remove(n))?;
            self.past.push(lease);
            Some((lease.offset, self.line.give_back(lease).expect("it was not given back before")))
        }

        fn commit(&mut self) {
            let queue = std::mem::take(&mut self.queue);
            let offsets = |is_retry: bool| {
                let chosen = queue.iter().filter(move |(_, retry)| retry.is_some() == is_retry);
                chosen.map(|(offset, _)| *offset).collect::<Vec<_>>()
            };
            let args = to_bytes(&self.line.settle(&offsets(true), &offsets(false)));
            let settle = updates().into_iter().find(|update| update.id == SETTLE).unwrap().apply;
            let Verdict::Put { value, .. } = settle(self.position.as_ref(), &args, Pos(1), self.now) else {
                panic!("a position is always written")
            };
            self.position = Some(Row { pos: Pos(1), value });
            for (offset, retry) in queue {
                match retry {
                    Some((due, past)) => {
                        self.retries.insert(offset, (due, past.failures));
                        self.line.wait_again(offset, due, past);
                    }
                    None => {
                        self.retries.remove(&offset);
                        self.done.insert(offset);
                        self.line.ended(offset);
                    }
                }
            }
            let position = self.position();
            assert!(self.retries.keys().all(|offset| *offset >= position.retries_from), "{position:?}");
        }

        fn position(&self) -> Position {
            let row = self.position.as_ref().expect("something was committed");
            minicbor::decode(&row.value).unwrap()
        }

        fn crash(&mut self) {
            let position = self.position.is_some().then(|| self.position());
            let retries = self.retries.iter().map(|(offset, (due, failures))| (*offset, *due, *failures));
            self.line = Line::load(0, position, retries, self.head, Window::new(PARALLEL));
            self.flying.clear();
            self.past.clear();
            self.queue.clear();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn whatever_happens_every_wanted_event_ends_once(
            steps in proptest::collection::vec(steps(), 0..200),
        ) {
            let mut world = World::new();
            for step in steps {
                world.step(step);
            }
            // Calm days: everything succeeds, and time passes.
            for _ in 0..2_000 {
                for step in [Step::Wait(10_000), Step::Start, Step::Done(0), Step::Commit] {
                    world.step(step);
                }
                if world.line.is_idle() {
                    break;
                }
            }
            let wanted: BTreeSet<u64> = (0..world.head).filter(|offset| is_wanted(*offset)).collect();
            prop_assert_eq!(&world.done, &wanted);
            prop_assert!(world.line.is_idle(), "{:?}", world.line);
            if world.head > 0 {
                prop_assert_eq!(world.position().taken.low(), world.head);
            }
        }
    }

    #[test]
    fn a_void_lease_settles_nothing() {
        let mut line = Line::load(0, None, [], 1, Window::new(1));
        assert!(line.advance(0));
        let first = line.lease(0, Timestamp::EPOCH);
        assert_eq!(line.wake_at(Timestamp::EPOCH), Some(Timestamp::EPOCH.plus(LEASE)));
        assert_eq!(line.overdue(Timestamp::EPOCH.plus(LEASE)), [first]);
        line.give_back(first).unwrap();
        line.wait_again(0, Timestamp::EPOCH, Past { failures: 0, put_backs: 1 });
        let second = line.lease(0, Timestamp::EPOCH);
        assert_eq!(line.give_back(first), None);
        assert_eq!(line.give_back(second), Some(Past { failures: 0, put_backs: 1 }));
        assert_eq!(line.give_back(second), None);
    }
}
