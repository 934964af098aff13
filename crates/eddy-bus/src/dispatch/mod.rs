//! The dispatcher: the one task that moves events. It owns every line, the one timer and the outboxes, so nothing
//! here is locked.
//!
//! It reacts to four things: the registry (a log grew, a set changed), the end of a delivery, the end of a commit,
//! and the timer. Each turn it takes in all that has happened, starts what may start, sends what is to be
//! committed, and sleeps until the next thing.

mod lane;
mod outbox;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use eddy_base::env::Boxed;
use eddy_base::{Env, Timestamp};
use eddy_store::{Batch, Store};
use tokio::sync::{broadcast, mpsc, oneshot};

use self::lane::{Ending, Lane};
use self::outbox::Outbox;
use crate::ask;
use crate::error::Error;
use crate::keys::{self, Place};
use crate::limits::{DEAD_KEPT, EVENT_KEPT, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX, LINES_KEPT_MAX};
use crate::registry::{Indexed, Known, Registry};
use crate::rows::to_bytes;
use crate::{Drained, Lease, Progress, Shape, Source, Target};

/// Names a lane for as long as the process runs.
type LaneId = u64;

/// Something that happened, for the dispatcher to take in.
#[derive(Debug)]
pub(crate) enum Message {
    /// A delivery came to an end.
    Ended { lane: LaneId, lease: Lease, ending: Ending },
    /// A batch of this source's outbox came to an end.
    Committed { source: Arc<Source>, result: Result<(), eddy_store::Error> },
    /// Start nothing more; answer when nothing runs any more, or at `by`.
    Drain { by: Timestamp, answer: oneshot::Sender<Drained> },
    /// Answer when nothing runs and what has ended is on disk.
    Settle { answer: oneshot::Sender<()> },
}

/// What the timer wakes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Lane(LaneId),
    /// A commit failed and is to be tried again.
    Outbox(Arc<Source>),
    Drain,
}

pub(crate) struct Ports {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) shapes: HashMap<String, Arc<dyn Shape>>,
}

pub(crate) struct Dispatcher {
    store: Store,
    env: Arc<dyn Env>,
    registry: Arc<Registry>,
    ports: Ports,
    inbox: mpsc::UnboundedReceiver<Message>,
    sender: mpsc::UnboundedSender<Message>,
    progress: broadcast::Sender<Progress>,
    lanes: HashMap<LaneId, Lane>,
    next_lane: LaneId,
    outboxes: HashMap<Arc<Source>, Outbox>,
    /// Outboxes that may have something to send.
    unsent: BTreeSet<Arc<Source>>,
    /// Lanes that may have something to start.
    ready: VecDeque<LaneId>,
    timer: BTreeSet<(Timestamp, Alarm)>,
    running: usize,
    running_bytes: usize,
    drain: Option<oneshot::Sender<Drained>>,
    settled: Vec<oneshot::Sender<()>>,
    is_draining: bool,
}

/// Dead letters that may be missing from the index after a crash: more than any second brings.
const DEAD_REINDEXED: usize = 256;

/// Sources looked at in one turn, so that a start with many of them leaves room for others.
const SOURCES_PER_TURN: usize = 64;

impl Dispatcher {
    pub(crate) fn new(
        store: Store,
        registry: Arc<Registry>,
        ports: Ports,
        progress: broadcast::Sender<Progress>,
        (sender, inbox): (mpsc::UnboundedSender<Message>, mpsc::UnboundedReceiver<Message>),
    ) -> Dispatcher {
        Dispatcher {
            env: Arc::clone(store.env()),
            store,
            registry,
            ports,
            inbox,
            sender,
            progress,
            lanes: HashMap::new(),
            next_lane: 0,
            outboxes: HashMap::new(),
            unsent: BTreeSet::new(),
            ready: VecDeque::new(),
            timer: BTreeSet::new(),
            running: 0,
            running_bytes: 0,
            drain: None,
            settled: Vec::new(),
            is_draining: false,
        }
    }

    /// Runs until it is dropped or the store has failed.
    pub(crate) async fn run(mut self) {
        self.index_dead();
        let mut sleep: Option<(Timestamp, Boxed<'static, ()>)> = None;
        loop {
            while self.take_touched().await {
                tokio::task::yield_now().await;
            }
            self.ring();
            self.start_ready();
            self.send_outboxes();
            self.answer();
            let next = self.timer.first().map(|(due, _)| *due);
            if sleep.as_ref().map(|(due, _)| *due) != next {
                sleep = next.map(|due| (due, self.env.sleep(due.since(self.env.now()))));
            }
            tokio::select! {
                biased;
                message = self.inbox.recv() => {
                    let Some(message) = message else { return };
                    if self.take(message).is_err() {
                        return;
                    }
                    while let Ok(message) = self.inbox.try_recv() {
                        if self.take(message).is_err() {
                            return;
                        }
                    }
                }
                () = self.registry.woken.notified() => {}
                () = until(&mut sleep) => sleep = None,
            }
        }
    }

    /// Takes in what the commits of others have changed. Whether there may be more.
    async fn take_touched(&mut self) -> bool {
        let touched = self.registry.take_touched(SOURCES_PER_TURN);
        if touched.sources.is_empty() && touched.unindexed.is_empty() {
            return false;
        }
        // Folds run just before their commit is shown, so this waits for a few instructions of another thread.
        while self.store.snapshot().pos() < touched.pos {
            tokio::task::yield_now().await;
        }
        self.index(touched.unindexed);
        for (source, known) in touched.sources {
            if let Err(error) = self.look_at(&source, &known) {
                tracing::error!(?source, %error, "deliveries of this source stop");
            }
        }
        true
    }

    /// Brings the lanes of a source up to date.
    fn look_at(&mut self, source: &Source, known: &Known) -> Result<(), Error> {
        let source = match self.outboxes.get_key_value(source) {
            Some((source, _)) => Arc::clone(source),
            None => Arc::new(source.clone()),
        };
        let outbox = self.outboxes.entry(Arc::clone(&source)).or_default();
        let gone: Vec<LaneId> =
            outbox.forget_lanes(|serial| known.lines.iter().any(|line| line.serial == serial));
        for id in gone {
            self.drop_lane(id);
        }
        for enrolled in known.lines.iter() {
            let outbox = self.outboxes.get_mut(&source).expect("made above");
            let id = match outbox.lane(enrolled.serial) {
                Some(id) => id,
                None => {
                    let policy = self.ports.target.policy(&enrolled.subscription.target);
                    let snapshot = self.store.snapshot();
                    let lane = Lane::load(
                        &snapshot,
                        Arc::clone(&source),
                        enrolled.clone(),
                        known.indexed_from,
                        policy.parallel_max,
                    )?;
                    if lane.line.is_idle() && enrolled.closed_by.is_none() {
                        continue;
                    }
                    let id = self.next_lane;
                    self.next_lane += 1;
                    outbox.add_lane(enrolled.serial, id);
                    self.lanes.insert(id, lane);
                    id
                }
            };
            let lane = self.lanes.get_mut(&id).expect("outboxes name lanes that exist");
            lane.line.grown_to(known.head);
            lane.enrolled = enrolled.clone();
            self.make_ready(id);
        }
        if self.outboxes[&source].is_unused() {
            self.outboxes.remove(&source);
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<(), eddy_store::Error> {
        match message {
            Message::Ended { lane, lease, ending } => self.take_ending(lane, lease, ending),
            Message::Committed { source, result } => return self.take_commit(&source, result),
            Message::Drain { by, answer } => {
                self.is_draining = true;
                self.drain = Some(answer);
                self.timer.insert((by, Alarm::Drain));
            }
            Message::Settle { answer } => self.settled.push(answer),
        }
        Ok(())
    }

    /// Wakes whatever is due.
    fn ring(&mut self) {
        let now = self.env.now();
        while let Some((due, _)) = self.timer.first()
            && *due <= now
        {
            let (due, alarm) = self.timer.pop_first().expect("looked at above");
            match alarm {
                Alarm::Lane(id) => {
                    if let Some(lane) = self.lanes.get_mut(&id).filter(|lane| lane.alarm == Some(due)) {
                        lane.alarm = None;
                        self.void_overdue(id, now);
                        self.make_ready(id);
                    }
                }
                Alarm::Outbox(source) => self.resume(source),
                Alarm::Drain => self.give_up_draining(),
            }
        }
    }

    fn void_overdue(&mut self, id: LaneId, now: Timestamp) {
        let Some(lane) = self.lanes.get(&id) else { return };
        for lease in lane.line.overdue(now) {
            tracing::warn!(source = ?lane.source, offset = lease.offset, "a delivery took too long; its lease is void");
            let message = Message::Ended { lane: id, lease, ending: Ending::ran_out() };
            self.sender.send(message).expect("the dispatcher holds the other end");
        }
    }

    fn start_ready(&mut self) {
        for _ in 0..self.ready.len() {
            let Some(id) = self.ready.pop_front() else { return };
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            lane.is_ready = false;
            self.start_lane(id);
        }
        if self.lanes.len() > LINES_KEPT_MAX {
            self.drop_idle();
        }
    }

    fn start_lane(&mut self, id: LaneId) {
        let has_room = self.running < IN_FLIGHT_MAX && self.running_bytes < IN_FLIGHT_BYTES_MAX;
        if !self.is_draining && has_room {
            self.start(id);
        } else if !self.is_draining {
            self.make_ready(id);
        }
        self.set_alarm(id);
    }

    fn make_ready(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && !lane.is_ready
        {
            lane.is_ready = true;
            self.ready.push_back(id);
        }
    }

    fn set_alarm(&mut self, id: LaneId) {
        let now = self.env.now();
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let wanted = lane.wake_at(now);
        if lane.alarm != wanted {
            if let Some(old) = lane.alarm {
                self.timer.remove(&(old, Alarm::Lane(id)));
            }
            lane.alarm = wanted;
            self.timer.extend(wanted.map(|due| (due, Alarm::Lane(id))));
        }
    }

    fn drop_lane(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.remove(&id) else { return };
        if let Some(alarm) = lane.alarm {
            self.timer.remove(&(alarm, Alarm::Lane(id)));
        }
        self.running -= lane.deliveries.len();
        self.running_bytes -= lane.running_bytes();
    }

    /// Forgets lanes that rest. What they need to go on is in the store.
    fn drop_idle(&mut self) {
        for outbox in self.outboxes.values_mut().filter(|outbox| outbox.is_empty()) {
            let lanes = &mut self.lanes;
            outbox.forget_ids(|id| {
                let is_idle = lanes.get(&id).is_none_or(|lane| lane.line.is_idle() && lane.alarm.is_none());
                if is_idle {
                    lanes.remove(&id);
                }
                is_idle
            });
        }
        self.outboxes.retain(|_, outbox| !outbox.is_unused());
    }

    /// Writes down where events and dead letters are, so that they are found by id.
    pub(super) fn index(&self, records: Vec<Indexed>) {
        if records.is_empty() {
            return;
        }
        let mut batch = Batch::new();
        let now = self.env.now();
        for Indexed { id, source, place } in records {
            let kept = match place {
                Place::Event { .. } => EVENT_KEPT,
                Place::Dead { .. } => DEAD_KEPT,
            };
            batch.put_until(keys::index(id, place), to_bytes(&source), now.plus(kept));
        }
        if let Err(error) = self.store.record(batch) {
            tracing::warn!(%error, "events are not found by id until the next start");
        }
    }

    /// Indexes the last dead letters of an earlier run, which may have ended before the index knew them.
    fn index_dead(&self) {
        let snapshot = self.store.snapshot();
        for scope in self.registry.scopes() {
            match ask::last_letters(&snapshot, &scope, DEAD_REINDEXED) {
                Ok(letters) => self.index(
                    letters
                        .into_iter()
                        .map(|letter| {
                            let place = Place::Dead { offset: letter.offset };
                            Indexed { id: letter.dead.event.id, source: letter.dead.event.source, place }
                        })
                        .collect(),
                ),
                Err(error) => tracing::error!(%error, "dead letters cannot be read"),
            }
        }
    }

    /// Answers whoever waits for the end of what runs.
    fn answer(&mut self) {
        if self.running > 0 || !self.outboxes.values().all(Outbox::is_empty) {
            return;
        }
        self.give_up_draining();
        for answer in self.settled.drain(..) {
            // Whoever asked may be gone.
            let _ = answer.send(());
        }
    }

    /// Answers with what is left.
    fn give_up_draining(&mut self) {
        let Some(answer) = self.drain.take() else { return };
        let mut drained = Drained::default();
        for lane in self.lanes.values() {
            let (waiting, retrying) = lane.line.backlog();
            drained.waiting += waiting;
            drained.retrying += retrying;
            drained.cut_short += u64::try_from(lane.line.running()).expect("a count in memory fits");
        }
        // Nobody waits any more when the process is on its way out already.
        let _ = answer.send(drained);
    }
}

async fn until(sleep: &mut Option<(Timestamp, Boxed<'static, ()>)>) {
    match sleep {
        Some((_, sleep)) => sleep.await,
        None => std::future::pending().await,
    }
}
