//! The right to one environment for one invocation.

use std::sync::Arc;

use crate::Shared;
use crate::environment::Environment;
use crate::pool::Pool;

/// An environment that works for one invocation. When it is dropped unused, as by a caller who went away, the
/// environment goes back; when it is dropped in the middle of its work, nobody knows what state the guest is in,
/// and it is stopped.
pub(crate) struct Lease {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    environment: Option<Environment>,
    used: bool,
}

impl Lease {
    pub(crate) fn new(shared: Arc<Shared>, pool: Arc<Pool>, environment: Environment) -> Lease {
        Lease { shared, pool, environment: Some(environment), used: false }
    }

    /// The environment, to be put to work.
    pub(crate) fn environment(&mut self) -> &mut Environment {
        self.used = true;
        self.environment.as_mut().expect("it is taken only by what consumes the lease")
    }

    /// Ends the work. `fit` says that the environment can take more.
    pub(crate) fn give_back(mut self, fit: bool) {
        self.put_back(fit);
    }

    /// For the pool itself, when nobody took the lease.
    pub(crate) fn take_back(mut self) -> Environment {
        self.environment.take().expect("it is taken only by what consumes the lease")
    }

    fn put_back(&mut self, fit: bool) {
        let Some(environment) = self.environment.take() else { return };
        let now = self.shared.env().monotonic();
        let todo = self.pool.release(&self.shared, environment, fit, now);
        self.shared.carry_out(&self.pool, todo);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.put_back(!self.used);
    }
}
