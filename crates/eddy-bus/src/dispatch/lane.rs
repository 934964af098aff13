//! One subscription at work: reading its log, starting deliveries, taking their ends.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::{Fault, Task, Timestamp};
use eddy_store::{Order, Record, Snapshot};
use tokio::sync::mpsc;

use super::outbox::Item;
use super::{Dispatcher, LaneId, Message};
use crate::decide::{self, Admission, Decision, Past};
use crate::error::Error;
use crate::keys::{self, Place};
use crate::limits::{
    ERROR_TYPE_BYTES_MAX, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX, MESSAGE_BYTES_MAX, READ_BYTES_MAX,
    READ_RECORDS_MAX, TRACE_BYTES_MAX,
};
use crate::line::{Line, Next};
use crate::registry::Indexed;
use crate::rows::{Enrolled, Entry, Position, Retry, read};
use crate::window::Window;
use crate::{
    Attempt, Delivery, Event, Failure, Lease, Outcome, Progress, Reason, RetryPolicy, Shape, Source, Step,
    Subscription, Target,
};

pub(super) struct Lane {
    pub(super) source: Arc<Source>,
    pub(super) enrolled: Enrolled,
    pub(super) line: Line,
    /// By offset.
    pub(super) deliveries: HashMap<u64, Running>,
    /// Why events were put back last, while they wait.
    reasons: HashMap<u64, String>,
    pub(super) alarm: Option<Timestamp>,
    pub(super) is_ready: bool,
    /// After a read that failed: nothing is read before.
    paused_until: Option<Timestamp>,
    /// That it is over was told to the outbox.
    is_retiring: bool,
    /// That it passed over much was told to the outbox.
    pub(super) is_writing: bool,
    /// Records before are from an earlier run, which may have ended before the index knew them.
    unindexed_below: u64,
}

/// An event that is to be settled, with all that is known about it.
pub(super) struct Closing {
    pub(super) event: Event,
    pub(super) accepted: Timestamp,
    /// Before the attempt that just ended.
    pub(super) past: Past,
    /// Those that counted, the one that just ended included.
    pub(super) attempts: Vec<Attempt>,
}

/// A delivery on its way.
pub(super) struct Running {
    event: Event,
    accepted: Timestamp,
    started: Timestamp,
    /// Dropping it cuts the delivery short.
    _task: Task,
}

/// How a delivery ended, as the task that ran it tells.
#[derive(Debug)]
pub(crate) enum Ending {
    Said(Outcome),
    /// The shape could not make a document.
    Unshaped(String),
}

impl Ending {
    pub(super) fn ran_out() -> Ending {
        put_back("the delivery took longer than its lease")
    }
}

fn put_back(reason: &str) -> Ending {
    Ending::Said(Outcome::PutBack { after: None, reason: reason.into() })
}

/// Retries read in one go when a line is loaded.
const RETRIES_PER_READ: usize = 1_000;
/// How long a lane rests after a read that failed.
const READ_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

impl Lane {
    pub(super) fn load(
        snapshot: &Snapshot,
        source: Arc<Source>,
        enrolled: Enrolled,
        indexed_from: Option<u64>,
        parallel_max: usize,
    ) -> Result<Lane, Error> {
        let position = snapshot.get(&keys::position(&source, enrolled.serial))?;
        let position = position.map(|row| read::<Position>(&row.value, "a position")).transpose()?;
        let retries_from = position.as_ref().map_or(enrolled.from, |position| position.retries_from);
        let retries = load_retries(snapshot, &source, enrolled.serial, retries_from)?;
        let head = snapshot.head(&keys::log(&source))?;
        let line = Line::load(enrolled.from, position, retries, head, Window::new(parallel_max));
        Ok(Lane {
            source,
            enrolled,
            line,
            deliveries: HashMap::new(),
            reasons: HashMap::new(),
            alarm: None,
            is_ready: false,
            paused_until: None,
            is_retiring: false,
            is_writing: false,
            unindexed_below: indexed_from.unwrap_or(head),
        })
    }

    pub(super) fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let pause = self.paused_until.filter(|until| *until > now);
        self.line.wake_at(now).into_iter().chain(pause).min()
    }

    pub(super) fn running_bytes(&self) -> usize {
        self.deliveries.values().map(Running::bytes).sum()
    }

    /// A closed subscription that has nothing more to come. True once.
    fn is_to_retire(&mut self) -> bool {
        let is_closed = self.enrolled.closed_by.is_some();
        if is_closed && self.line.is_at_head() {
            // The record that closed it is long gone from the log, or was just read.
            self.line.end();
        }
        let is_over = is_closed && self.line.is_over() && !self.is_retiring;
        self.is_retiring |= is_over;
        is_over
    }
}

impl Running {
    fn bytes(&self) -> usize {
        self.event.data.len()
    }
}

fn load_retries(
    snapshot: &Snapshot,
    source: &Source,
    serial: u64,
    from: u64,
) -> Result<Vec<(u64, Timestamp, u32)>, Error> {
    let mut range = keys::retries(source, serial, from);
    let mut retries = Vec::new();
    loop {
        let page = snapshot.scan(range.clone(), Order::Forward, RETRIES_PER_READ)?;
        for (key, row) in &page {
            let retry: Retry = read(&row.value, "a retry")?;
            let offset = keys::last_number(key).ok_or(Error::Unreadable("the key of a retry"))?;
            let failures = u32::try_from(retry.attempts.len()).unwrap_or(u32::MAX);
            retries.push((offset, retry.due, failures));
        }
        match page.last() {
            Some((key, _)) if page.len() == RETRIES_PER_READ => range = range.after(key),
            Some(_) | None => return Ok(retries),
        }
    }
}

impl Dispatcher {
    /// Starts what the lane may start.
    pub(super) fn start(&mut self, id: LaneId) {
        let now = self.env.now();
        if let Err(error) = self.try_start(id, now)
            && let Some(lane) = self.lanes.get_mut(&id)
        {
            tracing::error!(source = ?lane.source, %error, "a subscription cannot go on; trying again");
            lane.paused_until = Some(now.plus(READ_PAUSE));
        }
    }

    fn try_start(&mut self, id: LaneId, now: Timestamp) -> Result<(), Error> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(()) };
        if lane.paused_until.is_some_and(|until| now < until) {
            return Ok(());
        }
        let policy = self.policy(lane);
        let log = keys::log(&lane.source);
        while self.running < IN_FLIGHT_MAX && self.running_bytes < IN_FLIGHT_BYTES_MAX {
            let lane = self.lanes.get_mut(&id).expect("lanes go only between turns");
            match lane.line.next(now, policy.parallel_max) {
                Next::Nothing => break,
                Next::Again { offset, past } => {
                    let record =
                        self.store.snapshot().read(&log, offset, 1, READ_BYTES_MAX)?.into_iter().next();
                    match record.filter(|record| record.offset == offset) {
                        Some(record) => {
                            let entry: Entry = read(&record.value, "a record of a log")?;
                            let event = entry.event().ok_or(Error::Unreadable("the record of a retry"))?;
                            self.attempt(id, &record, event, past, &policy);
                        }
                        None => self.lose(id, offset),
                    }
                }
                Next::Read { from, max } => {
                    let max = max.min(READ_RECORDS_MAX);
                    let records = self.store.snapshot().read(&log, from, max, READ_BYTES_MAX)?;
                    if records.is_empty() {
                        // Everything up to the head is past its retention.
                        let head = self.store.snapshot().head(&log)?;
                        tracing::warn!(?log, from, head, "events outlived the retention of their log");
                        let lane = self.lanes.get_mut(&id).expect("lanes go only between turns");
                        lane.line.pass(from, head);
                        continue;
                    }
                    let mut unindexed = Vec::new();
                    for record in &records {
                        unindexed.extend(self.consider(id, record, &policy)?);
                    }
                    self.index(unindexed);
                }
            }
        }
        self.finish_turn(id);
        Ok(())
    }

    /// Looks at a record that is new to the lane. Gives what the index may not know of it.
    fn consider(
        &mut self,
        id: LaneId,
        record: &Record,
        policy: &RetryPolicy,
    ) -> Result<Option<Indexed>, Error> {
        let entry: Entry = read(&record.value, "a record of a log")?;
        let lane = self.lanes.get_mut(&id).expect("lanes go only between turns");
        if !lane.line.advance(record.offset) {
            return Ok(None);
        }
        let is_unindexed = record.offset < lane.unindexed_below;
        match decide::admit(&entry, &lane.enrolled) {
            Admission::Wanted(event) => self.attempt(id, record, event, Past::default(), policy),
            Admission::Pass => lane.line.pass(record.offset, record.offset + 1),
            Admission::Ends => {
                lane.line.pass(record.offset, record.offset + 1);
                lane.line.end();
            }
        }
        let event = entry.event().filter(|_| is_unindexed);
        let place = Place::Event { offset: record.offset };
        Ok(event.map(|event| Indexed { id: event.id, source: event.source.clone(), place }))
    }

    /// Leases an event and sends it on its way, unless it must not be attempted any more.
    fn attempt(&mut self, id: LaneId, record: &Record, event: &Event, past: Past, policy: &RetryPolicy) {
        let now = self.env.now();
        let lane = self.lanes.get_mut(&id).expect("lanes go only between turns");
        let lease = lane.line.lease(record.offset, now);
        if let Some(reason) = decide::spent(event, record.at, now, policy) {
            let past = lane.line.give_back(lease).expect("just leased");
            let attempts = self.earlier_attempts(id, record.offset, past);
            let closing = Closing { event: event.clone(), accepted: record.at, past, attempts };
            return self.bury(id, record.offset, closing, reason, policy);
        }
        let delivery = Delivery {
            event: event.clone(),
            payload: Bytes::new(),
            target: lane.enrolled.subscription.target.clone(),
            subscription: lane.enrolled.subscription.id.clone(),
            attempt: past.failures + 1,
            attempts_max: policy.retries + 1,
            accepted: record.at,
            lease,
        };
        let shape = match lane.enrolled.subscription.shape.as_str() {
            Subscription::RAW => Ok(None),
            name => self
                .ports
                .shapes
                .get(name)
                .map(|shape| Some(Arc::clone(shape)))
                .ok_or_else(|| name.to_owned()),
        };
        let report = Report { sender: self.sender.clone(), lane: id, lease, is_told: false };
        let work = deliver(Arc::clone(&self.ports.target), shape, delivery, report);
        let task = self.env.spawn("delivery", Box::pin(work));
        let running = Running { event: event.clone(), accepted: record.at, started: now, _task: task };
        self.running += 1;
        self.running_bytes += running.bytes();
        lane.deliveries.insert(record.offset, running);
    }

    /// Takes in how a delivery ended. A void lease changes nothing.
    pub(super) fn take_ending(&mut self, id: LaneId, lease: Lease, ending: Ending) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let epoch = lane.line.epoch(lease);
        let Some(past) = lane.line.give_back(lease) else { return };
        let running = lane.deliveries.remove(&lease.offset).expect("a lease that holds has its delivery");
        self.running -= 1;
        self.running_bytes -= running.bytes();
        let now = self.env.now();
        let policy = self.policy(&self.lanes[&id]);
        let mut closing = Closing {
            event: running.event,
            accepted: running.accepted,
            past,
            attempts: self.earlier_attempts(id, lease.offset, past),
        };
        match ending {
            Ending::Said(outcome) => {
                let outcome = bounded(outcome);
                closing.attempts.extend(attempt_of(&outcome, running.started, now));
                let random = self.random();
                let window = self.lanes.get_mut(&id).expect("looked at above").line.window();
                match &outcome {
                    Outcome::PutBack { .. } => window.put_back(epoch, now, random),
                    Outcome::Done | Outcome::Failed { .. } | Outcome::Gone { .. } => {
                        window.took(policy.parallel_max);
                    }
                }
                let decision = decide::decide(&outcome, past, closing.accepted, now, &policy, random);
                if let Some(step) = step(&outcome, decision, millis(running.started, now)) {
                    self.tell(id, &closing.event, past, &policy, step);
                }
                self.conclude(id, lease.offset, closing, outcome, decision, &policy);
            }
            Ending::Unshaped(message) => {
                let lane = self.lanes.get_mut(&id).expect("looked at above");
                lane.reasons.insert(lease.offset, message);
                self.bury(id, lease.offset, closing, Reason::Shape, &policy);
            }
        }
        self.make_ready(id);
    }

    fn conclude(
        &mut self,
        id: LaneId,
        offset: u64,
        closing: Closing,
        outcome: Outcome,
        decision: Decision,
        policy: &RetryPolicy,
    ) {
        let lane = self.lanes.get_mut(&id).expect("its delivery just ended");
        match (decision, outcome) {
            (Decision::Done, _) => self.enqueue(id, Item::Done { offset, closing }),
            (Decision::Retry { due }, _) => self.enqueue(id, Item::Retry { offset, due, closing }),
            (Decision::Dead { reason }, outcome) => {
                match outcome {
                    Outcome::PutBack { reason: words, .. } | Outcome::Gone { message: words } => {
                        lane.reasons.insert(offset, words);
                    }
                    Outcome::Done | Outcome::Failed { .. } => {}
                }
                self.bury(id, offset, closing, reason, policy);
            }
            (Decision::PutBack { due }, outcome) => {
                if let Outcome::PutBack { reason, .. } = outcome {
                    lane.reasons.insert(offset, reason);
                }
                let past = Past { put_backs: closing.past.put_backs + 1, ..closing.past };
                lane.line.wait_again(offset, due, past);
            }
        }
    }

    /// The attempts before this start of the event, as its retry row has them.
    fn earlier_attempts(&self, id: LaneId, offset: u64, past: Past) -> Vec<Attempt> {
        if past.failures == 0 {
            return Vec::new();
        }
        let lane = &self.lanes[&id];
        let key = keys::retry(&lane.source, lane.enrolled.serial, offset);
        let row = self.store.snapshot().get(&key).ok().flatten();
        match row.and_then(|row| minicbor::decode::<Retry>(&row.value).ok()) {
            Some(retry) => retry.attempts,
            None => {
                tracing::error!(?key, "earlier attempts cannot be read; the event goes on without them");
                Vec::new()
            }
        }
    }

    /// Gives an event up.
    fn bury(&mut self, id: LaneId, offset: u64, closing: Closing, reason: Reason, policy: &RetryPolicy) {
        let lane = self.lanes.get_mut(&id).expect("its delivery just ended");
        let last_words = lane.reasons.remove(&offset);
        let (error_type, message) = explain(&closing, reason, last_words, policy);
        let step = Step::Dead { reason, error_type: error_type.clone(), message: message.clone() };
        self.tell(id, &closing.event, closing.past, policy, step);
        self.enqueue(id, Item::Dead { offset, reason, error_type, message, closing });
    }

    /// An event that waited and that the log no longer holds, after a stop longer than the retention.
    fn lose(&mut self, id: LaneId, offset: u64) {
        let now = self.env.now();
        let lane = self.lanes.get_mut(&id).expect("lanes go only between turns");
        tracing::warn!(source = ?lane.source, offset, "an event outlived the retention of its log");
        let lease = lane.line.lease(offset, now);
        lane.line.give_back(lease).expect("just leased");
        self.enqueue(id, Item::Lost { offset });
    }

    /// After starting what could be started: positions worth writing, subscriptions that are over.
    pub(super) fn finish_turn(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.is_to_retire() {
            self.enqueue(id, Item::Retire);
        } else if lane.line.has_passed_much() && !lane.is_writing {
            lane.is_writing = true;
            self.enqueue(id, Item::Passed);
        }
    }

    fn policy(&self, lane: &Lane) -> RetryPolicy {
        let subscription = &lane.enrolled.subscription;
        let policy = self.ports.target.policy(&subscription.target);
        let base = subscription.retry_base_ms.map_or(policy.base, std::time::Duration::from_millis);
        RetryPolicy { base, ..policy }
    }

    fn tell(&self, id: LaneId, event: &Event, past: Past, policy: &RetryPolicy, step: Step) {
        if self.progress.receiver_count() == 0 {
            return;
        }
        let subscription = &self.lanes[&id].enrolled.subscription;
        let progress = Progress {
            event: event.id,
            root: event.cause.root,
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            source: event.source.clone(),
            subscription: subscription.id.clone(),
            target: subscription.target.clone(),
            attempt: past.failures + 1,
            attempts_max: policy.retries + 1,
            step,
        };
        // No listener is no error.
        let _ = self.progress.send(progress);
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.env.fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl Closing {
    pub(super) fn history_bytes(&self) -> usize {
        let failures = self.attempts.iter().filter_map(|attempt| attempt.failure.as_ref());
        failures.map(|failure| failure.message.len() + failure.trace.as_ref().map_or(0, String::len)).sum()
    }
}

/// Tells the dispatcher how a delivery ended, even when the target panics.
struct Report {
    sender: mpsc::UnboundedSender<Message>,
    lane: LaneId,
    lease: Lease,
    is_told: bool,
}

impl Report {
    fn tell(mut self, ending: Ending) {
        self.is_told = true;
        self.send(ending);
    }

    fn send(&self, ending: Ending) {
        // After the dispatcher nobody needs to know.
        let _ = self.sender.send(Message::Ended { lane: self.lane, lease: self.lease, ending });
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.is_told {
            self.send(put_back("the delivery was cut short"));
        }
    }
}

async fn deliver(
    target: Arc<dyn Target>,
    shape: Result<Option<Arc<dyn Shape>>, String>,
    delivery: Delivery,
    report: Report,
) {
    let payload = match shape {
        Ok(None) => Ok(delivery.event.data.clone()),
        Ok(Some(shape)) => {
            shape.render(&delivery.event, &delivery.subscription).map_err(|fault: Fault| fault.to_string())
        }
        Err(name) => Err(format!("there is no shape {name:?}")),
    };
    match payload {
        Ok(payload) => {
            let outcome = target.deliver(Delivery { payload, ..delivery }).await;
            report.tell(Ending::Said(outcome));
        }
        Err(message) => report.tell(Ending::Unshaped(message)),
    }
}

/// The outcome with texts as long as they are kept and told.
fn bounded(mut outcome: Outcome) -> Outcome {
    match &mut outcome {
        Outcome::Done => {}
        Outcome::Failed { error_type, message, trace, code_version } => {
            cut(error_type, ERROR_TYPE_BYTES_MAX);
            cut(message, MESSAGE_BYTES_MAX);
            trace.iter_mut().for_each(|trace| cut(trace, TRACE_BYTES_MAX));
            cut(code_version, MESSAGE_BYTES_MAX);
        }
        Outcome::PutBack { reason: words, .. } | Outcome::Gone { message: words } => {
            cut(words, MESSAGE_BYTES_MAX);
        }
    }
    outcome
}

/// The attempt as it is kept; none for those that do not count.
fn attempt_of(outcome: &Outcome, started: Timestamp, now: Timestamp) -> Option<Attempt> {
    let failure = match outcome {
        Outcome::Done => None,
        Outcome::PutBack { .. } | Outcome::Gone { .. } => return None,
        Outcome::Failed { error_type, message, trace, code_version } => Some(Failure {
            error_type: error_type.clone(),
            message: message.clone(),
            trace: trace.clone(),
            code_version: code_version.clone(),
        }),
    };
    Some(Attempt { started, took_ms: millis(started, now), failure })
}

/// What to tell watchers. Deaths are told where the event is buried.
fn step(outcome: &Outcome, decision: Decision, took_ms: u64) -> Option<Step> {
    match (outcome, decision) {
        (Outcome::Done, _) => Some(Step::Delivered { took_ms }),
        (Outcome::Failed { error_type, message, .. }, Decision::Retry { due }) => {
            Some(Step::Failed { error_type: error_type.clone(), message: message.clone(), due })
        }
        (Outcome::PutBack { reason, .. }, Decision::PutBack { due }) => {
            Some(Step::PutBack { reason: reason.clone(), due })
        }
        (Outcome::Gone { .. } | Outcome::Failed { .. } | Outcome::PutBack { .. }, _) => None,
    }
}

/// Error type and message of a dead letter.
fn explain(
    closing: &Closing,
    reason: Reason,
    last_words: Option<String>,
    policy: &RetryPolicy,
) -> (String, String) {
    let failure = closing.attempts.last().and_then(|attempt| attempt.failure.as_ref());
    if let (Reason::Retries | Reason::Age, None, Some(failure)) = (reason, &last_words, failure) {
        return (failure.error_type.clone(), failure.message.clone());
    }
    let last_words = last_words.map(|words| format!(": {words}")).unwrap_or_default();
    match reason {
        Reason::Retries => ("Failed".into(), "every attempt failed".into()),
        Reason::Age => {
            let seconds = policy.age_max.as_secs();
            ("EventTooOld".into(), format!("it waited longer than {seconds} s{last_words}"))
        }
        Reason::Hops => {
            let (hops, root) = (closing.event.cause.hops, closing.event.cause.root);
            ("EventChainTooLong".into(), format!("{hops} events caused one another since request {root}"))
        }
        Reason::Shape => ("NoDocument".into(), format!("no document could be made of it{last_words}")),
        Reason::Gone => ("TargetGone".into(), format!("its target is gone{last_words}")),
    }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

/// Keeps the start of a text: at most so many bytes, whole characters, and no room for what is gone.
fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.shrink_to_fit();
    }
}
