//! Carries out what the pools decide: starts, stops, freezes; and finds an environment for an invocation.

use std::sync::Arc;

use eddy_base::{Cause, Fault};

use crate::Shared;
use crate::directory::Known;
use crate::environment::Environment;
use crate::error::Error;
use crate::lease::Lease;
use crate::limits::WAIT_MAX;
use crate::pool::{NoEnvironment, Pool, Taken, Todo};

impl Shared {
    /// An environment for an invocation of a function; waits for one, but not for ever.
    pub(crate) async fn acquire(
        self: &Arc<Shared>,
        known: &Known,
        payload_bytes: usize,
        cause: Cause,
    ) -> Result<Lease, NoEnvironment> {
        let pool = &known.pool;
        let (taken, todo) = pool.take(known.function.build, known.pos, payload_bytes, cause);
        self.carry_out(pool, todo);
        let mut ticket = match taken {
            Taken::Ready(environment) => {
                return Ok(Lease::new(Arc::clone(self), Arc::clone(pool), environment));
            }
            Taken::Full => return Err(fault(Error::Throttled)),
            Taken::Closed => return Err(fault(Error::Stopping)),
            Taken::Wait(ticket) => ticket,
        };
        loop {
            tokio::select! {
                biased;
                got = &mut ticket => return got.unwrap_or_else(|_| Err(fault(Error::Stopping))),
                () = self.env().sleep(WAIT_MAX) => {
                    // A start may take longer, and it ends in any case.
                    if !pool.is_starting() {
                        return Err(fault(Error::Throttled));
                    }
                }
            }
        }
    }

    pub(crate) fn carry_out(self: &Arc<Shared>, pool: &Arc<Pool>, todo: Todo) {
        let Todo { stop, starts, look } = todo;
        if let Some(after) = look {
            self.looks.plan(self.env().monotonic() + after, pool);
        }
        if !stop.is_empty() {
            self.stop(stop);
        }
        for _ in 0..starts {
            self.start_or_wait(pool);
        }
    }

    /// Stops environments behind the back of whoever asked, and passes their places on.
    pub(crate) fn stop(self: &Arc<Shared>, environments: Vec<Environment>) {
        let shared = Arc::clone(self);
        self.spawn("functions.stop", async move {
            for environment in environments {
                environment.stop().await;
                shared.pass_place_on();
            }
        });
    }

    /// Freezes and stops what has been idle for long enough.
    pub(crate) fn look_at(self: &Arc<Shared>, pool: &Arc<Pool>) {
        let (freeze, todo) = pool.look(self.env().monotonic());
        self.carry_out(pool, todo);
        if freeze.is_empty() {
            return;
        }
        let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
        self.spawn("functions.freeze", async move {
            let mut environments = freeze;
            for environment in &mut environments {
                // Where the kernel cannot, the environment stays as it is; it is not asked again and again.
                environment.frozen = true;
                if let Err(error) = environment.guest.freeze().await {
                    tracing::debug!(%error, "an idle environment was not frozen");
                }
            }
            let todo = pool.frozen(&shared, environments, shared.env().monotonic());
            shared.carry_out(&pool, todo);
        });
    }

    fn start_or_wait(self: &Arc<Shared>, pool: &Arc<Pool>) {
        if let Some(permit) = self.capacity.take(pool.is_bare()) {
            let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
            self.spawn("functions.start", async move { shared.start(pool, permit).await });
            return;
        }
        pool.start_put_off();
        self.capacity.wait(pool);
        if let Some(environment) = self.directory.give_up_oldest() {
            self.stop(vec![environment]);
        }
    }

    fn pass_place_on(self: &Arc<Shared>) {
        if let Some(pool) = self.capacity.next() {
            let todo = pool.start_again();
            self.carry_out(&pool, todo);
        }
    }
}

fn fault(error: Error) -> NoEnvironment {
    NoEnvironment::Fault(Fault::from(error))
}
