//! The environments of one function, and the invocations that wait for one. Bookkeeping only: it says what is to
//! be started and stopped, and [`crate::hosting`] does it.
//!
//! * The environment used last is used next, so the others can be frozen and reaped.
//! * Who waits longest gets the next free environment, whether it was just started or just released.
//! * No more environments are being started than invocations wait, so there are never more than invocations that
//!   were in flight at once.
//! * An invocation that waits holds nothing.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eddy_base::{Cause, Fault, Id};
use eddy_runtime::{Failure, Usage};
use eddy_store::Pos;
use tokio::sync::oneshot;

use crate::Shared;
use crate::environment::Environment;
use crate::keys::Name;
use crate::lease::Lease;
use crate::limits::{AGE_MAX, FREEZE_AFTER, IDLE_MAX, STARTS_MAX, WAITING_BYTES_MAX, WAITING_MAX};
use crate::output::Output;

/// The environments of one function.
pub(crate) struct Pool {
    pub(crate) name: Name,
    state: Mutex<State>,
    /// How many environments live, for the metrics.
    pub(crate) alive: Arc<AtomicUsize>,
    /// What the newest build is started from, once it is known.
    pub(crate) prepared: tokio::sync::Mutex<Option<crate::start::Prepared>>,
}

#[derive(Default)]
struct State {
    /// The newest build that is known, and the position of its row.
    build: Option<Id>,
    build_pos: Pos,
    /// The one used last stands at the end.
    idle: Vec<Environment>,
    waiting: VecDeque<Waiter>,
    waiting_bytes: usize,
    starting: usize,
    /// Idle ones that are being frozen just now; they come back in a moment.
    freezing: usize,
    busy: usize,
    /// A look at the idle ones is planned.
    look_planned: bool,
    closed: bool,
}

struct Waiter {
    ticket: oneshot::Sender<Ticket>,
    bytes: usize,
    cause: Cause,
}

/// What a waiting invocation gets.
pub(crate) type Ticket = Result<Lease, NoEnvironment>;

/// Why there is no environment.
pub(crate) enum NoEnvironment {
    /// It was started and failed: the function's own doing. The log of the start tells more.
    Failed { failure: Failure, took: Duration, usage: Usage, output: Arc<Output> },
    /// Not the function's doing.
    Fault(Fault),
}

/// What [`Pool::take`] comes to.
pub(crate) enum Taken {
    Ready(Environment),
    Wait(oneshot::Receiver<Ticket>),
    /// Too many wait already.
    Full,
    Closed,
}

/// What is to be done once the pool's lock is free again.
#[derive(Default)]
#[must_use]
pub(crate) struct Todo {
    pub(crate) stop: Vec<Environment>,
    pub(crate) starts: usize,
    /// When to look at the idle ones, from now, if no look is planned yet.
    pub(crate) look: Option<Duration>,
}

impl Pool {
    pub(crate) fn new(name: Name) -> Pool {
        Pool { name, state: Mutex::default(), alive: Arc::default(), prepared: tokio::sync::Mutex::default() }
    }

    /// An environment, or a place in the queue. `bytes` is the size of what waits, `cause` the reason of it.
    pub(crate) fn take(&self, build: Id, pos: Pos, bytes: usize, cause: Cause) -> (Taken, Todo) {
        let mut state = self.state();
        let mut todo = Todo::default();
        if state.closed {
            return (Taken::Closed, todo);
        }
        state.learn(build, pos, &mut todo);
        while let Some(environment) = state.idle.pop() {
            if !environment.guest.ended() {
                state.busy += 1;
                return (Taken::Ready(environment), todo);
            }
            todo.stop.push(environment);
        }
        if state.is_full(bytes) {
            state.forget_gone();
        }
        if state.is_full(bytes) {
            return (Taken::Full, todo);
        }
        let (ticket, waiter) = oneshot::channel();
        state.waiting.push_back(Waiter { ticket, bytes, cause });
        state.waiting_bytes += bytes;
        state.top_up(&mut todo);
        (Taken::Wait(waiter), todo)
    }

    /// An environment after its work. `fit` says that it can take more.
    pub(crate) fn release(
        self: &Arc<Pool>,
        shared: &Arc<Shared>,
        mut environment: Environment,
        fit: bool,
        now: Duration,
    ) -> Todo {
        let mut state = self.state();
        let mut todo = Todo::default();
        state.busy -= 1;
        environment.idle_since = now;
        if fit {
            state.offer(self, shared, environment, now, &mut todo);
        } else {
            state.discard(environment, &mut todo);
        }
        state.plan_look(now, &mut todo);
        todo
    }

    /// An environment that was started has finished its initialization.
    pub(crate) fn started(
        self: &Arc<Pool>,
        shared: &Arc<Shared>,
        mut environment: Environment,
        now: Duration,
    ) -> Todo {
        let mut state = self.state();
        let mut todo = Todo::default();
        state.starting -= 1;
        environment.idle_since = now;
        state.offer(self, shared, environment, now, &mut todo);
        state.plan_look(now, &mut todo);
        todo
    }

    /// An environment could not be started. Whoever waits longest is told.
    pub(crate) fn not_started(&self, why: NoEnvironment) -> Todo {
        let mut state = self.state();
        let mut todo = Todo::default();
        state.starting -= 1;
        let mut ticket = Err(why);
        while let Some(waiter) = state.next_waiter() {
            match waiter.ticket.send(ticket) {
                Ok(()) => break,
                Err(back) => ticket = back,
            }
        }
        state.top_up(&mut todo);
        todo
    }

    /// A start that did not take place, since there is no room for it now. Nobody is told: another environment
    /// of this function may still come free.
    pub(crate) fn start_put_off(&self) {
        self.state().starting -= 1;
    }

    /// Plans starts for those who wait. For when there is room again.
    pub(crate) fn start_again(&self) -> Todo {
        let mut state = self.state();
        let mut todo = Todo::default();
        state.forget_gone();
        state.top_up(&mut todo);
        todo
    }

    /// What the invocation that waits longest goes back to.
    pub(crate) fn first_cause(&self) -> Option<Cause> {
        self.state().waiting.front().map(|waiter| waiter.cause)
    }

    /// Whether a start is under way that may serve who waits.
    pub(crate) fn is_starting(&self) -> bool {
        self.state().starting > 0
    }

    /// Whether this function has no environment but the one that is about to be started.
    pub(crate) fn is_bare(&self) -> bool {
        let state = self.state();
        state.idle.len() + state.freezing + state.busy == 0 && state.starting <= 1
    }

    /// A newer build is known: environments of others have no future.
    pub(crate) fn learn(&self, build: Id, pos: Pos) -> Todo {
        let mut todo = Todo::default();
        self.state().learn(build, pos, &mut todo);
        todo
    }

    /// Looks at the idle ones: gives those to freeze and those to stop, and when to look again. Those to freeze
    /// come back through [`Pool::frozen`].
    pub(crate) fn look(&self, now: Duration) -> (Vec<Environment>, Todo) {
        let mut state = self.state();
        state.look_planned = false;
        let mut todo = Todo::default();
        let mut freeze = Vec::new();
        for environment in std::mem::take(&mut state.idle) {
            let idle = now.saturating_sub(environment.idle_since);
            if idle >= IDLE_MAX || environment.guest.ended() {
                todo.stop.push(environment);
            } else if idle >= FREEZE_AFTER && !environment.frozen {
                freeze.push(environment);
            } else {
                state.idle.push(environment);
            }
        }
        state.freezing += freeze.len();
        state.plan_look(now, &mut todo);
        (freeze, todo)
    }

    /// Environments come back from being frozen. They stand where they stood, or serve who came meanwhile.
    pub(crate) fn frozen(
        self: &Arc<Pool>,
        shared: &Arc<Shared>,
        environments: Vec<Environment>,
        now: Duration,
    ) -> Todo {
        let mut state = self.state();
        let mut todo = Todo::default();
        state.freezing -= environments.len();
        for environment in environments {
            state.offer(self, shared, environment, now, &mut todo);
        }
        state.idle.sort_by_key(|environment| environment.idle_since);
        state.plan_look(now, &mut todo);
        todo
    }

    /// When the environment that has been idle longest had its last work.
    pub(crate) fn oldest_idle(&self) -> Option<Duration> {
        self.state().idle.first().map(|environment| environment.idle_since)
    }

    /// Gives that environment up, to make room for another function's.
    pub(crate) fn give_up_oldest(&self) -> Option<Environment> {
        let mut state = self.state();
        (!state.idle.is_empty()).then(|| state.idle.remove(0))
    }

    /// Takes no more invocations and gives up the idle environments. Who waits is told.
    pub(crate) fn close(&self) -> Vec<Environment> {
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        state.waiting_bytes = 0;
        std::mem::take(&mut state.idle)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn learn(&mut self, build: Id, pos: Pos, todo: &mut Todo) {
        if pos <= self.build_pos || self.build == Some(build) {
            self.build_pos = self.build_pos.max(pos);
            return;
        }
        self.build = Some(build);
        self.build_pos = pos;
        todo.stop.append(&mut self.idle);
    }

    /// Gives an environment to whoever waits longest, else keeps it; unless it has no future.
    fn offer(
        &mut self,
        pool: &Arc<Pool>,
        shared: &Arc<Shared>,
        mut environment: Environment,
        now: Duration,
        todo: &mut Todo,
    ) {
        let old = now.saturating_sub(environment.born) > AGE_MAX;
        if old || self.closed || self.build.is_some_and(|build| build != environment.build) {
            return self.discard(environment, todo);
        }
        while let Some(waiter) = self.next_waiter() {
            let lease = Lease::new(Arc::clone(shared), Arc::clone(pool), environment);
            match waiter.ticket.send(Ok(lease)) {
                Ok(()) => {
                    self.busy += 1;
                    return;
                }
                Err(Ok(lease)) => environment = lease.take_back(),
                Err(Err(_)) => unreachable!("a ticket comes back as it was sent"),
            }
        }
        self.idle.push(environment);
    }

    fn discard(&mut self, environment: Environment, todo: &mut Todo) {
        todo.stop.push(environment);
        self.top_up(todo);
    }

    /// As many starts as serve those who wait, within the limit.
    fn top_up(&mut self, todo: &mut Todo) {
        let coming = self.starting + self.freezing;
        let wanted = self.waiting.len().saturating_sub(coming);
        let starts = wanted.min(STARTS_MAX.saturating_sub(self.starting));
        self.starting += starts;
        todo.starts += starts;
    }

    fn next_waiter(&mut self) -> Option<Waiter> {
        loop {
            let waiter = self.waiting.pop_front()?;
            self.waiting_bytes -= waiter.bytes;
            if !waiter.ticket.is_closed() {
                return Some(waiter);
            }
        }
    }

    fn is_full(&self, bytes: usize) -> bool {
        self.waiting.len() >= WAITING_MAX || self.waiting_bytes + bytes > WAITING_BYTES_MAX
    }

    /// Drops the places of those who do not wait any more.
    fn forget_gone(&mut self) {
        self.waiting.retain(|waiter| !waiter.ticket.is_closed());
        self.waiting_bytes = self.waiting.iter().map(|waiter| waiter.bytes).sum();
    }

    fn plan_look(&mut self, now: Duration, todo: &mut Todo) {
        if self.look_planned {
            return;
        }
        let due = |environment: &Environment| {
            let after = if environment.frozen { IDLE_MAX } else { FREEZE_AFTER };
            (environment.idle_since + after).saturating_sub(now)
        };
        todo.look = self.idle.iter().map(due).min();
        self.look_planned = todo.look.is_some();
    }
}
