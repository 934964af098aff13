//! The one place where things change: batches in, one synced group out.
//!
//! [`Committer::step`] is the whole loop: decide each batch of a group against the state so far, write what changed
//! as one engine batch, publish it, answer. A thread calls it in production, a task in simulation. What it refuses:
//! to go on after a failed write. From then on every batch is answered with [`Error::Fatal`].

mod decide;
mod hot;
mod overlay;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use eddy_base::{Env, Timestamp};

pub(crate) use self::decide::{Newest, Rules, read_counter};

use self::decide::{Decision, decide};
use self::hot::Hot;
use self::overlay::Overlay;
use crate::durable::{Committed, Durable, Error, Pos, Row};
use crate::engine::{Engine, EngineError, Table, Write};
use crate::keys::{self, Chain, Stored};
use crate::log::{Log, Segment};
use crate::publish::Shared;
use crate::queue::Pending;

pub(crate) struct Committer {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) rules: Rules,
    hot: Hot,
    segments: BTreeSet<Segment>,
    chain: Chain,
    now: Timestamp,
    failed: Option<String>,
    on_fatal: OnFatal,
}

/// Called once, with the reason, when the store has failed and takes no more commits.
pub(crate) type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// One commit of a group, for followers.
pub(crate) struct Change {
    pub(crate) pos: Pos,
    pub(crate) rows: Vec<(Bytes, Option<Row>)>,
    pub(crate) appended: Vec<(Log, u64, Bytes)>,
}

/// A group that has been decided and is not yet written.
struct Group {
    overlay: Overlay,
    last: Pos,
    changes: Vec<Change>,
    blobs: decide::Blobs,
    /// Those whose answers wait for the sync.
    waiting: Vec<(Pending, Result<Committed, Error>)>,
}

impl Committer {
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        shared: Arc<Shared>,
        env: Arc<dyn Env>,
        rules: Rules,
        chain: Chain,
        on_fatal: OnFatal,
    ) -> Committer {
        Committer {
            segments: engine.segments().into_iter().collect(),
            now: env.now(),
            engine,
            shared,
            env,
            rules,
            hot: Hot::default(),
            chain,
            failed: None,
            on_fatal,
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
        // Time does not go back within a run: records of a log are in the order of their times.
        self.now = self.now.max(self.env.now());
        if let Err(error) = self.drop_dead_segments() {
            self.fail(error, Vec::new());
            return self.step(batches);
        }
        let mut group = Group {
            overlay: Overlay::new(self.shared.view(), self.now),
            last: self.chain.pos,
            changes: Vec::new(),
            blobs: decide::Blobs::default(),
            waiting: Vec::with_capacity(batches.len()),
        };
        let mut batches = batches.into_iter();
        while let Some(pending) = batches.next() {
            if let Err(error) = self.decide(pending, &mut group) {
                self.fail(error, group.waiting);
                return self.step(batches.collect());
            }
        }
        self.finish(group);
    }

    /// When [`Committer::step`] has something to do although no batch comes.
    pub(crate) fn due(&self) -> Option<Duration> {
        if self.failed.is_some() {
            return None;
        }
        let first = self.segments.iter().filter_map(|segment| segment.dead_at()).min()?;
        Some(self.env.monotonic() + first.since(self.env.now()))
    }

    /// Takes no more commits, for this reason.
    pub(crate) fn fail(&mut self, error: EngineError, waiting: Vec<(Pending, Result<Committed, Error>)>) {
        tracing::error!(error = %error, "the store failed and takes no more commits");
        for (pending, _) in waiting {
            pending.answer(Err(Error::Fatal(error.0.clone())));
        }
        (self.on_fatal)(&error.0);
        self.failed = Some(error.0);
    }

    fn decide(&mut self, pending: Pending, group: &mut Group) -> Result<(), EngineError> {
        let pos = Pos(group.last.0 + 1);
        let decision = decide(&pending.batch, pos, &mut self.rules, &mut group.overlay, &mut self.hot)?;
        let answer = match decision {
            Decision::Applied { committed, appended, blobs } => {
                group.last = pos;
                group.blobs.named.extend(blobs.named);
                group.blobs.dropped.extend(blobs.dropped);
                let rows = group.overlay.changed();
                let rows = rows.map(|(key, stored)| (key.clone(), stored.as_ref().map(|s| s.row.clone())));
                group.changes.push(Change { pos, rows: rows.collect(), appended });
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

    fn finish(&mut self, mut group: Group) {
        if group.overlay.is_empty() {
            for (pending, answer) in group.waiting {
                pending.answer(answer);
            }
            return;
        }
        let mut writes = group.overlay.writes(group.last);
        let chain = Chain { pos: group.last, hash: link(self.chain.hash, &writes), ..self.chain };
        writes.push(chain_row(chain));
        if let Err(error) = self.write(writes) {
            return self.fail(error, group.waiting);
        }
        self.chain = chain;
        let rows = group.overlay.into_rows();
        self.shared.publish(chain.pos, self.engine.view(), &group.changes);
        self.shared.wake(&rows, &group.changes);
        self.rules.unnamed.remove(&group.blobs.named);
        for (pending, answer) in group.waiting {
            pending.answer(answer);
        }
        for (key, stored) in rows {
            self.hot.put(key, stored.map(owned));
        }
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

    fn write(&mut self, writes: Vec<Write>) -> Result<(), EngineError> {
        for write in &writes {
            if let Table::Segment(segment) = write.table
                && !self.segments.contains(&segment)
            {
                self.engine.make_segment(segment)?;
                self.segments.insert(segment);
            }
        }
        self.engine.write(writes)
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

/// The row with a value of its own: a slice would keep all of the request alive that it was cut from.
fn owned(stored: Stored) -> Stored {
    let value = Bytes::copy_from_slice(&stored.row.value);
    Stored { row: Row { value, ..stored.row }, ..stored }
}
