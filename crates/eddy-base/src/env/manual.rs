//! A world whose time stands still until a test moves it, and whose randomness is the same in each run.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::{Boxed, Env, Listener, Stream, System, Task};
use crate::Timestamp;

/// An [`Env`] for tests. Tasks and sockets are real; clones are the same world.
#[derive(Debug, Clone)]
pub struct Manual {
    state: Arc<Mutex<State>>,
    /// Somebody has gone to sleep.
    slept: Arc<Notify>,
    real: Arc<System>,
}

#[derive(Debug)]
struct State {
    start: Timestamp,
    monotonic: Duration,
    random: u64,
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    next_sleeper: u64,
}

impl Manual {
    pub fn new(start: Timestamp) -> Manual {
        let state =
            State { start, monotonic: Duration::ZERO, random: 1, sleepers: BTreeMap::new(), next_sleeper: 0 };
        Manual { state: Arc::new(Mutex::new(state)), slept: Arc::default(), real: Arc::default() }
    }

    /// Moves time on and wakes whoever slept until then.
    pub fn advance(&self, span: Duration) {
        let mut state = self.lock();
        state.monotonic += span;
        let later = state.monotonic + Duration::from_nanos(1);
        let asleep = state.sleepers.split_off(&(later, 0));
        for (_, sleeper) in std::mem::replace(&mut state.sleepers, asleep) {
            // It may have gone in the meantime.
            let _ = sleeper.send(());
        }
    }

    /// How long the first of those who sleep has still to sleep.
    pub fn first_asleep(&self) -> Option<Duration> {
        self.first_for(Duration::ZERO)
    }

    /// Waits until somebody sleeps, and gives how long the first of them has still to sleep.
    pub async fn asleep(&self) -> Duration {
        self.asleep_for(Duration::ZERO).await
    }

    /// Waits until somebody has `least` or more to sleep, and gives how much exactly.
    pub async fn asleep_for(&self, least: Duration) -> Duration {
        loop {
            let slept = self.slept.notified();
            if let Some(span) = self.first_for(least) {
                return span;
            }
            slept.await;
        }
    }

    fn first_for(&self, least: Duration) -> Option<Duration> {
        let mut state = self.lock();
        state.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        let first = state.sleepers.range((state.monotonic + least, 0)..).next();
        first.map(|((due, _), _)| *due - state.monotonic)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Env for Manual {
    fn now(&self) -> Timestamp {
        let state = self.lock();
        state.start.plus(state.monotonic)
    }

    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }

    /// SplitMix64: evenly spread, and the same each time.
    fn fill_random(&self, buffer: &mut [u8]) {
        let mut state = self.lock();
        for chunk in buffer.chunks_mut(8) {
            state.random = state.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state.random;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        if span.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (sender, woken) = oneshot::channel();
        {
            let mut state = self.lock();
            let due = (state.monotonic + span, state.next_sleeper);
            state.next_sleeper += 1;
            state.sleepers.insert(due, sender);
        }
        self.slept.notify_waiters();
        Box::pin(async move {
            if woken.await.is_err() {
                // The world is gone, and with it everything that could wake.
                std::future::pending::<()>().await;
            }
        })
    }

    fn spawn(&self, name: &'static str, task: Boxed<'static, ()>) -> Task {
        self.real.spawn(name, task)
    }

    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        self.real.run_aside(work);
    }

    fn listen<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Listener>>> {
        self.real.listen(address)
    }

    fn connect<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Stream>>> {
        self.real.connect(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_moves_when_told_and_wakes_those_who_are_due() {
        let env = Manual::new(Timestamp::from_seconds(100));
        let (short, long) = (env.sleep(Duration::from_secs(1)), env.sleep(Duration::from_secs(5)));
        assert_eq!(env.asleep().await, Duration::from_secs(1));
        assert_eq!(env.asleep_for(Duration::from_secs(2)).await, Duration::from_secs(5));
        env.advance(Duration::from_secs(1));
        short.await;
        assert_eq!(env.now(), Timestamp::from_seconds(101));
        assert_eq!(env.asleep().await, Duration::from_secs(4));
        drop(long);
        let other = env.sleep(Duration::from_secs(9));
        assert_eq!(env.asleep().await, Duration::from_secs(9));
        env.advance(Duration::from_secs(60));
        other.await;
        env.sleep(Duration::ZERO).await;
    }

    #[test]
    fn randomness_is_the_same_in_each_world() {
        let draw = || {
            let mut bytes = [0; 20];
            Manual::new(Timestamp::EPOCH).fill_random(&mut bytes);
            bytes
        };
        assert_eq!(draw(), draw());
        assert_ne!(draw(), [0; 20]);
    }
}
