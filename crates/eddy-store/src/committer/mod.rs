//! The one place where things change: batches in, one synced group out.
//!
//! [`Committer::step`] is the whole loop: decide each batch of a group against the state so far, write what changed
//! as one engine batch, publish it, answer. A thread calls it in production, a task in simulation. What it refuses:
//! to go on after a failed write. From then on every batch is answered with [`Error::Fatal`].

mod decide;
mod freeing;
mod hot;
mod newest;
mod overlay;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use eddy_base::{Env, Timestamp};
use tokio::sync::mpsc;

pub(crate) use self::decide::{Chores, Rules, read_counter};
pub(crate) use self::newest::Newest;
pub(crate) use self::overlay::RowChange;

use self::decide::{Decision, decide};
use self::hot::Hot;
use self::overlay::Overlay;
use crate::durable::{Committed, Durable, Error, Pos};
use crate::engine::{Engine, EngineError, Table, Write};
use crate::keeper::Chore;
use crate::keys::{self, Chain, Stored};
use crate::limits::{DROPPED_TOLD_EVERY, SEGMENT_AHEAD_AFTER, SEGMENT_AHEAD_WITHIN};
use crate::log::{Log, Segment};
use crate::mark::Mark;
use crate::publish::Shared;
use crate::queue::Pending;
use crate::room::{Level, Room};

pub(crate) struct Committer {
    engine: Arc<dyn Engine>,
    parts: Parts,
    hot: Hot,
    segments: BTreeSet<Segment>,
    /// Since when a segment is missing that will soon be needed, of the monotonic clock.
    missing_since: Option<Duration>,
    chain: Chain,
    now: Timestamp,
    dropped: Dropped,
    failed: Option<String>,
}

/// What the committer works with.
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) rules: Rules,
    pub(crate) mark: Mark,
    pub(crate) room: Room,
    pub(crate) chores: mpsc::UnboundedSender<Chore>,
    pub(crate) on_fatal: OnFatal,
}

/// Called once, with the reason, when the store has failed and takes no more commits.
pub(crate) type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// One commit of a group.
pub(crate) struct Commit {
    pub(crate) pos: Pos,
    /// Its part of the group's changes.
    pub(crate) rows: Range<usize>,
    pub(crate) appended: Vec<(Log, u64, Bytes)>,
}

/// A group that has been decided and is not yet written.
struct Group {
    overlay: Overlay,
    level: Level,
    last: Pos,
    commits: Vec<Commit>,
    chores: Chores,
    /// Those whose answers wait for the sync.
    waiting: Waiting,
}

type Waiting = Vec<(Pending, Result<Committed, Error>)>;

impl Committer {
    pub(crate) fn new(engine: Arc<dyn Engine>, chain: Chain, parts: Parts) -> Committer {
        let segments: BTreeSet<Segment> = engine.segments().into_iter().collect();
        let is_missing = parts.rules.segments.missing(&segments, parts.env.now()).is_some();
        Committer {
            segments,
            missing_since: is_missing.then(|| parts.env.monotonic()),
            now: parts.env.now(),
            engine,
            parts,
            hot: Hot::default(),
            chain,
            dropped: Dropped::default(),
            failed: None,
        }
    }

    /// Decides, writes, publishes and answers one group.
    pub(crate) fn step(&mut self, batches: Vec<Pending>) {
        if let Some(reason) = &self.failed {
            for pending in batches {
                pending.answer(Err(Error::Fatal(reason.clone())));
            }
            return;
        }
        let is_idle = batches.is_empty();
        let mut group = self.begin(batches.len());
        let mut batches = batches.into_iter();
        while let Some(pending) = batches.next() {
            if let Err(error) = self.decide(pending, &mut group) {
                self.fail(error, group.waiting);
                return self.step(batches.collect());
            }
        }
        self.finish(group);
        self.keep_house(is_idle);
    }

    /// When [`Committer::step`] has something to do although no batch comes, of the monotonic clock.
    pub(crate) fn due(&self) -> Option<Duration> {
        if self.failed.is_some() {
            return None;
        }
        let first_dead = self.segments.iter().filter_map(|segment| segment.dead_at()).min();
        let drop = first_dead.map(|dead| self.parts.env.monotonic() + dead.since(self.parts.env.now()));
        let make = self.missing_since.map(|since| since + SEGMENT_AHEAD_AFTER);
        [drop, make, self.parts.mark.due()].into_iter().flatten().min()
    }

    /// How long the engine wants to be waited for: in simulation only.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.engine.delay()
    }

    /// Ends a run well: what was begun is finished, so the next start need not look for leftovers.
    pub(crate) fn end(&mut self) {
        if self.failed.is_some() || !self.parts.rules.ledger.close() {
            return;
        }
        let start = Write { table: Table::Rows, key: keys::start(self.chain.start), value: None };
        let writes = vec![start];
        let chain = self.next_chain(Pos(self.chain.pos.0 + 1), &writes);
        if let Err(error) = self.write(writes, chain) {
            self.fail(error, Vec::new());
            return;
        }
        self.parts.mark.set(chain, Duration::ZERO);
        self.parts.mark.sync(Duration::MAX);
    }

    /// Takes no more commits, for this reason.
    pub(crate) fn fail(&mut self, error: EngineError, waiting: Waiting) {
        tracing::error!(error = %error, "the store failed and takes no more commits");
        for (pending, _) in waiting {
            pending.answer(Err(Error::Fatal(error.0.clone())));
        }
        (self.parts.on_fatal)(&error.0);
        self.failed = Some(error.0);
    }

    fn begin(&mut self, batches: usize) -> Group {
        // Time does not go back within a run: records of a log are in the order of their times.
        self.now = self.now.max(self.parts.env.now());
        Group {
            overlay: Overlay::new(self.parts.shared.view(), self.now),
            level: self.parts.room.look(),
            last: self.chain.pos,
            commits: Vec::new(),
            chores: Chores::default(),
            waiting: Vec::with_capacity(batches),
        }
    }

    fn decide(&mut self, pending: Pending, group: &mut Group) -> Result<(), EngineError> {
        if !self.admits(&pending, group)? {
            self.dropped.count += u64::from(!pending.is_awaited());
            pending.answer(Err(Error::NoRoom));
            return Ok(());
        }
        let pos = Pos(group.last.0 + 1);
        let decision = decide(&pending.batch, pos, &mut self.parts.rules, &mut group.overlay, &mut self.hot)?;
        let answer = match decision {
            Decision::Applied { committed, appended, chores } => {
                group.add(pos, appended, chores);
                group.waiting.push((pending, Ok(committed)));
                return Ok(());
            }
            Decision::Unchanged(committed) => {
                Ok(Committed { pos: committed.pos.min(group.last), ..committed })
            }
            Decision::Refused(refusal) => {
                let committed = Committed { pos: group.last, ..Committed::default() };
                Err(Error::Refused(Box::new(Durable::new(refusal, committed))))
            }
            Decision::Wrong(what) => {
                tracing::error!(what, "a batch breaks a rule");
                Err(Error::Fatal(what))
            }
        };
        if group.overlay.has_read_group() {
            // What it read is not on disk yet, so neither is the answer.
            group.waiting.push((pending, answer));
        } else {
            pending.answer(answer);
        }
        Ok(())
    }

    /// Whether there is room for the batch.
    fn admits(&mut self, pending: &Pending, group: &mut Group) -> Result<bool, EngineError> {
        match group.level {
            Level::Plenty => Ok(true),
            Level::Low => freeing::makes_room(&pending.batch, &mut group.overlay, &mut self.hot),
            Level::Nothing => Ok(false),
        }
    }

    fn finish(&mut self, mut group: Group) {
        if group.overlay.is_empty() {
            for (pending, answer) in group.waiting {
                pending.answer(answer);
            }
            return;
        }
        let writes = group.overlay.writes(group.last);
        let chain = self.next_chain(group.last, &writes);
        if let Err(error) = self.write(writes, chain) {
            return self.fail(error, group.waiting);
        }
        self.parts.mark.set(chain, self.parts.env.monotonic());
        let changes = group.overlay.into_changes();
        self.parts.rules.ledger.name(&group.chores.named);
        self.parts.shared.publish(chain.pos, self.engine.view(), &changes, &group.commits);
        self.parts.shared.wake(&changes, &group.commits);
        for (pending, answer) in group.waiting {
            pending.answer(answer);
        }
        for change in changes.into_iter().filter(RowChange::is_last) {
            self.hot.update(&change.key, change.stored);
        }
        let reclaim = (group.level != Level::Plenty).then_some(Chore::Reclaim);
        for chore in Chore::of(group.chores).chain(reclaim) {
            // Without a keeper, the next start does it.
            let _ = self.parts.chores.send(chore);
        }
    }

    fn next_chain(&self, pos: Pos, writes: &[Write]) -> Chain {
        Chain { pos, hash: link(self.chain.hash, writes), start: self.chain.start }
    }

    fn write(&mut self, mut writes: Vec<Write>, chain: Chain) -> Result<(), EngineError> {
        for write in &writes {
            if let Table::Segment(segment) = write.table
                && !self.segments.contains(&segment)
            {
                self.make_segment(segment)?;
            }
        }
        writes.push(chain_row(chain));
        self.engine.write(writes)?;
        self.chain = chain;
        Ok(())
    }

    /// What has its own time, after the waiters are answered.
    fn keep_house(&mut self, is_idle: bool) {
        let now = self.parts.env.monotonic();
        self.parts.mark.sync(now);
        if let Some(batches) = self.dropped.due_to_tell(now) {
            let what = "output of functions, metrics and traces are dropped, since the disk has no room";
            tracing::warn!(batches, "{what}");
        }
        if let Err(error) = self.drop_dead_segments().and_then(|()| self.make_ahead(is_idle)) {
            self.fail(error, Vec::new());
        }
    }

    /// Makes a segment that will soon be needed, so that no commit has to: while nothing is to be committed, or when
    /// there was no such moment for long.
    fn make_ahead(&mut self, is_idle: bool) -> Result<(), EngineError> {
        let Some(segment) = self.parts.rules.segments.missing(&self.segments, self.now) else {
            self.missing_since = None;
            return Ok(());
        };
        let now = self.parts.env.monotonic();
        let since = *self.missing_since.get_or_insert(now);
        let after = if is_idle { SEGMENT_AHEAD_AFTER } else { SEGMENT_AHEAD_WITHIN };
        if now < since + after {
            return Ok(());
        }
        // Without room it is left to the commit that needs it; the next group asks again.
        self.missing_since = None;
        if self.parts.room.look() == Level::Plenty {
            self.make_segment(segment)?;
            let more = self.parts.rules.segments.missing(&self.segments, self.now);
            self.missing_since = more.map(|_| now);
        }
        Ok(())
    }

    fn make_segment(&mut self, segment: Segment) -> Result<(), EngineError> {
        self.engine.make_segment(segment)?;
        self.segments.insert(segment);
        Ok(())
    }

    /// Drops the segments whose last record is past its time.
    fn drop_dead_segments(&mut self) -> Result<(), EngineError> {
        let is_dead = |segment: &Segment| segment.dead_at().is_some_and(|dead| dead <= self.now);
        let dead: Vec<Segment> = self.segments.iter().copied().filter(is_dead).collect();
        for segment in dead {
            tracing::info!(segment = segment.name(), "dropping a segment that is past its retention");
            self.engine.drop_segment(segment)?;
            self.segments.remove(&segment);
        }
        Ok(())
    }
}

/// Recorded batches that there was no room for: nobody hears of their refusal, so the log has to say it.
#[derive(Default)]
struct Dropped {
    count: u64,
    told: Option<Duration>,
}

impl Dropped {
    /// How many there were since it was told last, if it is to be told now, of the monotonic clock.
    fn due_to_tell(&mut self, now: Duration) -> Option<u64> {
        if self.count == 0 || self.told.is_some_and(|told| now < told + DROPPED_TOLD_EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

impl Group {
    /// Takes in a batch that the overlay has just applied.
    fn add(&mut self, pos: Pos, appended: Vec<(Log, u64, Bytes)>, chores: Chores) {
        self.last = pos;
        self.chores.named.extend(chores.named);
        self.chores.dropped.extend(chores.dropped);
        self.chores.truncated.extend(chores.truncated);
        self.commits.push(Commit { pos, rows: self.overlay.batch(), appended });
    }
}

/// The next hash of the chain.
pub(crate) fn link(before: u64, writes: &[Write]) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&before.to_le_bytes());
    for write in writes {
        digest.update(&write.key);
        if let Some(value) = &write.value {
            digest.update(value);
        }
    }
    digest.finalize()
}

pub(crate) fn chain_row(chain: Chain) -> Write {
    let value = minicbor::to_vec(chain).expect("encoding into memory does not fail");
    Write { table: Table::Rows, key: keys::chain(), value: Some(Stored::new(chain.pos, value).encode()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_told_once_a_minute() {
        let mut dropped = Dropped::default();
        assert_eq!(dropped.due_to_tell(Duration::ZERO), None);
        dropped.count = 3;
        assert_eq!(dropped.due_to_tell(Duration::from_secs(1)), Some(3));
        dropped.count = 2;
        assert_eq!(dropped.due_to_tell(Duration::from_secs(60)), None);
        assert_eq!(dropped.due_to_tell(Duration::from_secs(61)), Some(2));
        assert_eq!(dropped.due_to_tell(Duration::from_secs(200)), None);
    }
}
