//! The simulated world: time, randomness, tasks and the trace.
//!
//! Time stands still while anything can run and jumps to the next sleeper when nothing can. The executor is tokio's
//! of one thread, without its clock and without its sockets, so whatever goes round the ports panics here.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use eddy_base::env::{Boxed, Listener, Stream};
use eddy_base::{Env, Task, Timestamp};
use tokio::task::AbortHandle;

use crate::net::Net;

/// When the simulated world begins: a Friday, far from any change of format.
const BEGINNING_SECONDS: i64 = 1_790_000_000;
/// Jumps of time after which a run is thought to go in circles.
const JUMPS_MAX: u64 = 2_000_000;
/// One poll in so many is put off, so that tasks meet in other orders than that of their waking.
const PUT_OFF_ONE_IN: u64 = 6;

/// A world. Clones are the same one.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    pub net: Net,
}

struct State {
    time: Duration,
    sleepers: BTreeMap<(Duration, u64), Waker>,
    next_sleeper: u64,
    jumps: u64,
    /// Wakes whoever runs the world when nothing can happen in it any more.
    stuck: Option<Waker>,
    is_stuck: bool,
    /// What the server draws, what the order of tasks draws: apart, so that one does not move the other.
    drawn: Draw,
    order: Draw,
    trace: Trace,
}

/// SplitMix64: a stream of numbers that a seed decides.
#[derive(Clone, Debug)]
pub struct Draw(u64);

/// Everything that happened, as one number, and as lines if somebody reads them.
struct Trace {
    hash: DefaultHasher,
    is_shown: bool,
}

impl Draw {
    /// The stream named `name` of a seed.
    pub fn new(seed: u64, name: &str) -> Draw {
        let mut hasher = DefaultHasher::new();
        (seed, name).hash(&mut hasher);
        Draw(hasher.finish())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many.
    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

impl World {
    pub fn new(seed: u64, is_shown: bool) -> World {
        let state = State {
            time: Duration::ZERO,
            sleepers: BTreeMap::new(),
            next_sleeper: 0,
            jumps: 0,
            stuck: None,
            is_stuck: false,
            drawn: Draw::new(seed, "drawn"),
            order: Draw::new(seed, "order"),
            trace: Trace { hash: DefaultHasher::new(), is_shown },
        };
        World { state: Arc::new(Mutex::new(state)), net: Net::new(seed) }
    }

    /// Runs `life` in this world until it ends.
    ///
    /// # Errors
    /// When nothing can happen any more before it has ended, or it goes in circles.
    pub fn run<T: Send + 'static>(
        &self,
        life: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let jumping = self.clone();
        let runtime =
            tokio::runtime::Builder::new_current_thread().on_thread_park(move || jumping.jump()).build();
        let runtime = runtime.expect("an executor without drivers needs nothing of the machine");
        let stuck = Stuck { world: self.clone() };
        let outcome = runtime.block_on(async move {
            let life = tokio::spawn(life);
            tokio::select! {
                biased;
                ended = life => ended.map_err(|why| format!("the run panicked: {why}")),
                () = stuck => Err("nothing can happen any more, or the run goes in circles".to_owned()),
            }
        });
        // Tasks that are left fall here, in the thread of their world.
        drop(runtime);
        self.lock().sleepers.clear();
        outcome
    }

    pub fn monotonic(&self) -> Duration {
        self.lock().time
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_seconds(BEGINNING_SECONDS).plus(self.monotonic())
    }

    pub fn sleep(&self, span: Duration) -> Sleep {
        let mut state = self.lock();
        let key = (state.time + span, state.next_sleeper);
        state.next_sleeper += 1;
        Sleep { world: self.clone(), key }
    }

    /// Adds a line to the trace.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        let mut state = self.lock();
        let line = format!("{:>14.6} {line}", state.time.as_secs_f64());
        line.hash(&mut state.trace.hash);
        if state.trace.is_shown {
            println!("{line}");
        }
    }

    /// The hash of all lines so far.
    pub fn hash(&self) -> u64 {
        self.lock().trace.hash.finish()
    }

    /// Moves time to the next sleeper. The executor calls it when nothing can run.
    fn jump(&self) {
        let mut due = Vec::new();
        {
            let mut state = self.lock();
            state.jumps += 1;
            match state.sleepers.first_key_value() {
                Some(((time, _), _)) if state.jumps < JUMPS_MAX => state.time = *time,
                Some(_) | None => {
                    state.is_stuck = true;
                    due.extend(state.stuck.take());
                }
            }
            let later = state.time + Duration::from_nanos(1);
            let asleep = state.sleepers.split_off(&(later, 0));
            due.extend(std::mem::replace(&mut state.sleepers, asleep).into_values());
        }
        due.into_iter().for_each(Waker::wake);
    }

    fn puts_off(&self) -> bool {
        self.lock().order.one_in(PUT_OFF_ONE_IN)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends at its time. Dropped, it is forgotten, and time does not stop for it.
pub struct Sleep {
    world: World,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.lock();
        if state.time >= self.key.0 {
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.world.lock().sleepers.remove(&self.key);
        // A waker may drop a task, and with it another sleep: not under the lock.
        drop(waker);
    }
}

struct Stuck {
    world: World,
}

impl Future for Stuck {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.lock();
        if state.is_stuck {
            return Poll::Ready(());
        }
        state.stuck = Some(context.waker().clone());
        Poll::Pending
    }
}

/// One process in the world: an [`Env`] that can be killed, with everything that was started by it.
#[derive(Clone)]
pub struct Host {
    world: World,
    is_alive: Arc<AtomicBool>,
    tasks: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Host {
    pub fn new(world: &World) -> Host {
        Host { world: world.clone(), is_alive: Arc::new(AtomicBool::new(true)), tasks: Arc::default() }
    }

    /// Ends it as `kill -9` does: nothing of it takes another step.
    pub fn kill(&self) {
        self.is_alive.store(false, Ordering::SeqCst);
        let tasks = std::mem::take(&mut *self.tasks());
        tasks.iter().for_each(AbortHandle::abort);
    }

    pub fn is_alive(&self) -> bool {
        self.is_alive.load(Ordering::SeqCst)
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Env for Host {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn monotonic(&self) -> Duration {
        self.world.monotonic()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.world.lock().drawn.fill(buffer);
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(self.world.sleep(span))
    }

    fn spawn(&self, name: &'static str, task: Boxed<'static, ()>) -> Task {
        let task = Living { host: self.clone(), name, task: Some(task) };
        let handle = tokio::spawn(task);
        let mut tasks = self.tasks();
        // Half of them or more have ended by now, on the whole.
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(handle.abort_handle());
        Task::new(name, handle)
    }

    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        self.spawn("aside", Box::pin(async move { work() })).detach();
    }

    fn listen<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(async move { self.world.net.listen(address) })
    }

    fn connect<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move { self.world.net.connect(&self.world, address).await })
    }
}

/// A task that ends with its host, and whose turn does not always come at once.
struct Living {
    host: Host,
    name: &'static str,
    task: Option<Boxed<'static, ()>>,
}

impl Future for Living {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.host.is_alive() {
            self.task = None;
            return Poll::Ready(());
        }
        if self.host.world.puts_off() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.host.world.note(format_args!("  . {}", self.name));
        match &mut self.task {
            Some(task) => task.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}
