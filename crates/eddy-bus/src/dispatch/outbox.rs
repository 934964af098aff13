//! What one source has to commit: ends, retries and dead letters of its subscriptions, in batches. One batch is on
//! its way at a time, so the next one gathers by itself while the sync of this one runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use eddy_base::Timestamp;
use eddy_store::Batch;

use super::lane::Closing;
use super::{Alarm, Dispatcher, LaneId, Message};
use crate::decide::Past;
use crate::limits::{COMMIT_RETRY_FIRST, COMMIT_RETRY_MAX, EVENT_KEPT, SETTLE_BYTES_MAX, SETTLE_MAX};
use crate::rows::{Ended, Retry, to_bytes};
use crate::updates::{RETIRE, Retire, SETTLE};
use crate::{Dead, End, Reason, Source, keys};

#[derive(Default)]
pub(super) struct Outbox {
    /// The lanes of this source, by serial.
    lanes: BTreeMap<u64, LaneId>,
    queue: VecDeque<(LaneId, Item)>,
    /// The batch that goes next or is on its way.
    sending: Option<Sending>,
    is_out: bool,
    /// The last commit failed; the timer will say when to try again.
    is_resting: bool,
    pause: Option<Duration>,
}

#[derive(Default)]
struct Sending {
    batch: Batch,
    after: Vec<(LaneId, After)>,
}

/// What to do when the batch is on disk.
enum After {
    Ended { offset: u64 },
    Retry { offset: u64, due: Timestamp, past: Past },
    Passed,
}

/// One thing to commit.
pub(super) enum Item {
    Done {
        offset: u64,
        closing: Closing,
    },
    Retry {
        offset: u64,
        due: Timestamp,
        closing: Closing,
    },
    Dead {
        offset: u64,
        reason: Reason,
        error_type: String,
        message: String,
        closing: Closing,
    },
    /// The event is not in the log any more.
    Lost {
        offset: u64,
    },
    /// Much was passed over.
    Passed,
    /// The subscription is over.
    Retire,
}

/// The offsets of one lane that a batch settles.
#[derive(Default)]
struct Offsets {
    retried: Vec<u64>,
    ended: Vec<u64>,
}

impl Outbox {
    pub(super) fn lane(&self, serial: u64) -> Option<LaneId> {
        self.lanes.get(&serial).copied()
    }

    pub(super) fn add_lane(&mut self, serial: u64, id: LaneId) {
        self.lanes.insert(serial, id);
    }

    /// Takes out the lanes whose serials are not kept.
    pub(super) fn forget_lanes(&mut self, keep: impl Fn(u64) -> bool) -> Vec<LaneId> {
        self.lanes.extract_if(.., |serial, _| !keep(*serial)).map(|(_, id)| id).collect()
    }

    pub(super) fn forget_ids(&mut self, mut forget: impl FnMut(LaneId) -> bool) {
        self.lanes.retain(|_, id| !forget(*id));
    }

    /// Nothing waits and nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.sending.is_none()
    }

    pub(super) fn is_unused(&self) -> bool {
        self.is_empty() && self.lanes.is_empty()
    }
}

impl Dispatcher {
    pub(super) fn enqueue(&mut self, id: LaneId, item: Item) {
        let source = Arc::clone(&self.lanes[&id].source);
        let outbox = self.outboxes.get_mut(&source).expect("a lane's source has an outbox");
        outbox.queue.push_back((id, item));
        self.unsent.insert(source);
    }

    /// Sends the next batch of each source that has something and nothing on its way.
    pub(super) fn send_outboxes(&mut self) {
        for source in std::mem::take(&mut self.unsent) {
            self.send(&source);
        }
    }

    fn send(&mut self, source: &Arc<Source>) {
        let Some(outbox) = self.outboxes.get_mut(source) else { return };
        if outbox.is_out || outbox.is_resting {
            return;
        }
        if outbox.sending.is_none() && !outbox.queue.is_empty() {
            let items = next_items(&mut outbox.queue);
            let sending = self.prepare(source, items);
            self.outboxes.get_mut(source).expect("looked at above").sending = Some(sending);
        }
        let outbox = self.outboxes.get_mut(source).expect("looked at above");
        let Some(sending) = &outbox.sending else { return };
        outbox.is_out = true;
        let (batch, store, sender) = (sending.batch.clone(), self.store.clone(), self.sender.clone());
        let source = Arc::clone(source);
        let commit = async move {
            let result = store.commit(batch, ()).await.map(|_| ());
            // After the dispatcher nobody needs to know.
            let _ = sender.send(Message::Committed { source, result });
        };
        self.env.spawn("settle", Box::pin(commit)).detach();
    }

    /// Takes in that a batch is on disk, or is not.
    pub(super) fn take_commit(
        &mut self,
        source: &Arc<Source>,
        result: Result<(), eddy_store::Error>,
    ) -> Result<(), eddy_store::Error> {
        let Some(outbox) = self.outboxes.get_mut(source) else { return Ok(()) };
        outbox.is_out = false;
        match result {
            Ok(()) => {
                outbox.pause = None;
                self.unsent.insert(Arc::clone(source));
                let sending = outbox.sending.take().unwrap_or_default();
                for (id, after) in sending.after {
                    self.follow_up(id, after);
                }
                Ok(())
            }
            Err(error @ eddy_store::Error::Fatal(_)) => {
                tracing::error!(%error, "deliveries stop");
                Err(error)
            }
            Err(error) => {
                let pause = outbox.pause.unwrap_or(COMMIT_RETRY_FIRST);
                tracing::warn!(?source, %error, ?pause, "what was delivered is not written down yet");
                outbox.pause = Some(pause.saturating_mul(2).min(COMMIT_RETRY_MAX));
                outbox.is_resting = true;
                self.timer.insert((self.env.now().plus(pause), Alarm::Outbox(Arc::clone(source))));
                Ok(())
            }
        }
    }

    /// The pause after a failed commit is over.
    pub(super) fn resume(&mut self, source: Arc<Source>) {
        if let Some(outbox) = self.outboxes.get_mut(&source) {
            outbox.is_resting = false;
            self.unsent.insert(source);
        }
    }

    fn follow_up(&mut self, id: LaneId, after: After) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        match after {
            After::Ended { offset } => lane.line.ended(offset),
            After::Retry { offset, due, past } => lane.line.wait_again(offset, due, past),
            After::Passed => lane.is_writing = false,
        }
        self.make_ready(id);
    }

    /// Makes one batch of what is to be committed.
    fn prepare(&mut self, source: &Source, items: Vec<(LaneId, Item)>) -> Sending {
        let now = self.env.now();
        let mut sending = Sending::default();
        let mut settled: BTreeMap<LaneId, Offsets> = BTreeMap::new();
        let mut retired = Vec::new();
        for (id, item) in items {
            let Some(lane) = self.lanes.get(&id) else { continue };
            let offsets = settled.entry(id).or_default();
            let serial = lane.enrolled.serial;
            match item {
                Item::Retry { offset, due, closing } => {
                    let past = Past { failures: closing.past.failures + 1, ..closing.past };
                    let row = Retry { due, attempts: closing.attempts };
                    sending.batch.put(keys::retry(source, serial, offset), to_bytes(&row));
                    sending.after.push((id, After::Retry { offset, due, past }));
                    offsets.retried.push(offset);
                    continue;
                }
                Item::Passed => {
                    sending.after.push((id, After::Passed));
                    continue;
                }
                Item::Retire => {
                    retired.push(serial);
                    continue;
                }
                Item::Done { offset, closing } => {
                    let row = ended(&lane.enrolled.subscription.id, closing, End::Delivered, now);
                    put_ended(&mut sending.batch, source, offset, serial, &row);
                    offsets.ended.push(offset);
                }
                Item::Dead { offset, reason, error_type, message, closing } => {
                    let subscription = &lane.enrolled.subscription;
                    let last = closing.attempts.last().and_then(|attempt| attempt.failure.as_ref());
                    let dead = Dead {
                        event: closing.event.clone(),
                        subscription: subscription.id.clone(),
                        serial,
                        target: subscription.target.clone(),
                        reason,
                        error_type,
                        message,
                        trace: last.and_then(|failure| failure.trace.clone()),
                        code_version: last.map(|failure| failure.code_version.clone()),
                        attempts: closing.attempts.clone(),
                        accepted: closing.accepted,
                        at: now,
                    };
                    sending.batch.append(keys::dead_log(source.scope()), to_bytes(&dead));
                    let row = ended(&subscription.id, closing, End::Dead(reason), now);
                    put_ended(&mut sending.batch, source, offset, serial, &row);
                    offsets.ended.push(offset);
                }
                Item::Lost { offset } => offsets.ended.push(offset),
            }
            if let Some(offset) = offsets.ended.last() {
                if lane.line.has_retry_row(*offset) {
                    sending.batch.delete(keys::retry(source, serial, *offset));
                }
                sending.after.push((id, After::Ended { offset: *offset }));
            }
        }
        self.settle(source, settled, &mut sending.batch);
        for serial in retired {
            sending.batch.update(keys::set(source), RETIRE, to_bytes(&Retire { serial }));
            sending.batch.delete(keys::position(source, serial));
        }
        sending
    }

    /// Moves the positions.
    fn settle(&mut self, source: &Source, settled: BTreeMap<LaneId, Offsets>, batch: &mut Batch) {
        for (id, offsets) in settled {
            let lane = self.lanes.get_mut(&id).expect("looked at when its item was taken");
            let args = lane.line.settle(&offsets.retried, &offsets.ended);
            if !args.taken.is_empty() {
                batch.update(keys::position(source, lane.enrolled.serial), SETTLE, to_bytes(&args));
            }
        }
    }
}

/// Items for one batch: bounded in number and, but for the first, in bytes.
fn next_items(queue: &mut VecDeque<(LaneId, Item)>) -> Vec<(LaneId, Item)> {
    let mut items = Vec::new();
    let mut bytes = 0;
    while let Some((_, item)) = queue.front() {
        bytes += item.bytes();
        if items.len() == SETTLE_MAX || (bytes > SETTLE_BYTES_MAX && !items.is_empty()) {
            break;
        }
        items.extend(queue.pop_front());
    }
    items
}

impl Item {
    /// About what it takes in a batch.
    fn bytes(&self) -> usize {
        const ROW_BYTES: usize = 512;
        match self {
            Item::Done { closing, .. } | Item::Retry { closing, .. } => ROW_BYTES + closing.history_bytes(),
            Item::Dead { closing, .. } => ROW_BYTES + 3 * closing.history_bytes() + closing.event.data.len(),
            Item::Lost { .. } | Item::Passed | Item::Retire => ROW_BYTES,
        }
    }
}

fn ended(subscription: &str, closing: Closing, end: End, at: Timestamp) -> Ended {
    let put_backs = closing.past.put_backs;
    Ended { subscription: subscription.into(), attempts: closing.attempts, put_backs, end, at }
}

fn put_ended(batch: &mut Batch, source: &Source, offset: u64, serial: u64, row: &Ended) {
    batch.put_until(keys::ended(source, offset, serial), to_bytes(row), row.at.plus(EVENT_KEPT));
}
