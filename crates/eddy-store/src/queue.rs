//! What waits for the commit thread. Bounded in bytes; in order, once it is let in.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eddy_base::Env;
use tokio::sync::{Notify, oneshot};

use crate::batch::Batch;
use crate::durable::{Committed, Error};
use crate::limits::{
    BATCH_OVERHEAD_BYTES, GROUP_BATCHES_MAX, GROUP_BYTES_MAX, QUEUE_BYTES_MAX, RECORD_BYTES_MAX, RECORD_DELAY,
};

/// A batch and whoever waits for its answer.
pub(crate) struct Pending {
    pub(crate) batch: Batch,
    bytes: usize,
    /// None when nobody waits: a recorded batch.
    reply: Option<oneshot::Sender<Result<Committed, Error>>>,
}

pub(crate) struct Queue {
    env: Arc<dyn Env>,
    inner: Mutex<Inner>,
    /// Wakes those who wait for room.
    room: Notify,
    /// Wakes the commit thread.
    thread: Condvar,
    /// Wakes the commit task, where there is no thread.
    task: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Pending>,
    /// How many of them somebody waits for.
    awaited: usize,
    awaited_bytes: usize,
    recorded_bytes: usize,
    /// When the first of the waiting recorded batches came.
    recorded_since: Option<Duration>,
    is_idle: bool,
    is_closed: bool,
}

impl Pending {
    /// Whether anybody hears the answer.
    pub(crate) fn is_awaited(&self) -> bool {
        self.reply.is_some()
    }

    pub(crate) fn answer(self, answer: Result<Committed, Error>) {
        if let Some(reply) = self.reply {
            // Whoever asked may be gone; the commit stands.
            let _ = reply.send(answer);
        }
    }
}

impl Queue {
    pub(crate) fn new(env: Arc<dyn Env>) -> Queue {
        Queue {
            env,
            inner: Mutex::default(),
            room: Notify::new(),
            thread: Condvar::new(),
            task: Notify::new(),
        }
    }

    /// Adds a batch, once there is room, and gives where its answer will come.
    pub(crate) async fn submit(
        &self,
        batch: Batch,
        bytes: usize,
    ) -> Result<oneshot::Receiver<Result<Committed, Error>>, Error> {
        let bytes = bytes + BATCH_OVERHEAD_BYTES;
        let (reply, answer) = oneshot::channel();
        let mut pending = Pending { batch, bytes, reply: Some(reply) };
        loop {
            let room = self.room.notified();
            match self.push(pending)? {
                None => return Ok(answer),
                Some(full) => pending = full,
            }
            room.await;
        }
    }

    /// Adds a batch that nobody waits for.
    pub(crate) fn record(&self, batch: Batch, bytes: usize) -> Result<(), Error> {
        self.push(Pending { batch, bytes: bytes + BATCH_OVERHEAD_BYTES, reply: None }).map(drop)
    }

    /// Adds a batch; gives it back when there is no room.
    fn push(&self, pending: Pending) -> Result<Option<Pending>, Error> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(CLOSED);
        }
        // What is recorded later moves no deadline, so only the first record has to wake the loop.
        let mut matters = true;
        if pending.reply.is_some() {
            if inner.awaited > 0 && inner.awaited_bytes + pending.bytes > QUEUE_BYTES_MAX {
                return Ok(Some(pending));
            }
            inner.awaited += 1;
            inner.awaited_bytes += pending.bytes;
        } else if inner.recorded_bytes + pending.bytes > RECORD_BYTES_MAX {
            return Err(Error::Unavailable("more was recorded than the disk takes"));
        } else {
            inner.recorded_bytes += pending.bytes;
            matters = inner.recorded_since.is_none();
            if matters {
                inner.recorded_since = Some(self.env.monotonic());
            }
        }
        inner.waiting.push_back(pending);
        let wake = inner.is_idle && matters;
        drop(inner);
        if wake {
            self.wake();
        }
        Ok(None)
    }

    /// Refuses further batches and lets the commit loop end when it has drained what is there.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.room.notify_waiters();
        self.wake();
    }

    /// Blocks until there is work or the time `until`, of the monotonic clock. False: closed and drained.
    pub(crate) fn wait(&self, until: Option<Duration>) -> bool {
        let mut inner = self.lock();
        loop {
            let Some(span) = inner.due(until, self.env.monotonic()) else { return false };
            if span.is_zero() {
                return true;
            }
            inner.is_idle = true;
            inner = self.thread.wait_timeout(inner, span).unwrap_or_else(PoisonError::into_inner).0;
            inner.is_idle = false;
        }
    }

    /// As [`Queue::wait`], for a task.
    pub(crate) async fn waited(&self, until: Option<Duration>) -> bool {
        loop {
            let woken = self.task.notified();
            let span = {
                let mut inner = self.lock();
                let Some(span) = inner.due(until, self.env.monotonic()) else { return false };
                inner.is_idle = !span.is_zero();
                span
            };
            if span.is_zero() {
                return true;
            }
            tokio::select! {
                biased;
                () = woken => {}
                () = self.env.sleep(span) => {}
            }
        }
    }

    /// The next group: in order, bounded, and at least one batch if there is any.
    pub(crate) fn drain(&self) -> Vec<Pending> {
        let mut inner = self.lock();
        let mut group = Vec::with_capacity(inner.waiting.len().min(GROUP_BATCHES_MAX));
        let mut bytes = 0;
        while let Some(next) = inner.waiting.front() {
            bytes += next.bytes;
            if group.len() == GROUP_BATCHES_MAX || (bytes > GROUP_BYTES_MAX && !group.is_empty()) {
                break;
            }
            let Some(next) = inner.waiting.pop_front() else { break };
            match next.reply {
                Some(_) => {
                    inner.awaited -= 1;
                    inner.awaited_bytes -= next.bytes;
                }
                None => inner.recorded_bytes -= next.bytes,
            }
            group.push(next);
        }
        if inner.recorded_bytes == 0 {
            inner.recorded_since = None;
        }
        drop(inner);
        self.room.notify_waiters();
        group
    }

    fn wake(&self) {
        self.thread.notify_one();
        self.task.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CLOSED: Error = Error::Unavailable("the store is closed");

/// A wait without an end of its own; the condition variable wants a span.
const LONG: Duration = Duration::from_secs(3600);

impl Inner {
    /// How long until there is something to do; none when closed and drained.
    fn due(&self, until: Option<Duration>, now: Duration) -> Option<Duration> {
        if self.is_closed {
            return (!self.waiting.is_empty()).then_some(Duration::ZERO);
        }
        if self.awaited > 0 {
            return Some(Duration::ZERO);
        }
        let ends = [self.recorded_since.map(|since| since + RECORD_DELAY), until];
        Some(ends.into_iter().flatten().min().map_or(LONG, |end| end.saturating_sub(now)))
    }
}

#[cfg(test)]
mod tests {
    use eddy_base::System;

    use super::*;

    fn queue() -> Queue {
        Queue::new(Arc::new(System::default()))
    }

    #[tokio::test]
    async fn who_finds_it_full_waits_to_be_let_in() {
        let queue = queue();
        let most = QUEUE_BYTES_MAX - 2 * BATCH_OVERHEAD_BYTES;
        let _first = queue.submit(Batch::new(), most).await.unwrap();
        let _second = queue.submit(Batch::new(), 0).await.unwrap();
        let third = queue.submit(Batch::new(), 1);
        tokio::pin!(third);
        tokio::select! {
            biased;
            _ = &mut third => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(queue.drain().len(), 1, "one that is larger than a group is a group of its own");
        third.await.unwrap();
        assert_eq!(queue.drain().len(), 2);
    }

    #[tokio::test]
    async fn groups_are_bounded_and_in_order() {
        let queue = queue();
        let mut answers = Vec::new();
        for n in 0..GROUP_BATCHES_MAX + 1 {
            let mut batch = Batch::new();
            batch.attempt([n as u8; 16]);
            answers.push(queue.submit(batch, 0).await.unwrap());
        }
        let group = queue.drain();
        assert_eq!(group.len(), GROUP_BATCHES_MAX);
        assert!(group.iter().enumerate().all(|(n, pending)| pending.batch.attempt == Some([n as u8; 16])));
        assert_eq!(queue.drain().len(), 1);
    }

    #[test]
    fn what_is_recorded_is_bounded_and_waits_a_little() {
        let queue = queue();
        let half = RECORD_BYTES_MAX / 2 - BATCH_OVERHEAD_BYTES;
        queue.record(Batch::new(), half).unwrap();
        queue.record(Batch::new(), half).unwrap();
        assert!(matches!(queue.record(Batch::new(), 1), Err(Error::Unavailable(_))));
        let now = queue.env.monotonic();
        let due = queue.lock().due(None, now).unwrap();
        assert!(due > Duration::ZERO && due <= RECORD_DELAY, "{due:?}");
        assert_eq!(queue.lock().due(None, now + RECORD_DELAY), Some(Duration::ZERO));
        queue.drain();
        queue.record(Batch::new(), 1).unwrap();
    }

    #[test]
    fn a_closed_queue_is_drained_first() {
        let queue = queue();
        queue.record(Batch::new(), 0).unwrap();
        queue.close();
        assert!(queue.record(Batch::new(), 0).is_err());
        assert!(queue.wait(None));
        assert_eq!(queue.drain().len(), 1);
        assert!(!queue.wait(None));
    }
}
