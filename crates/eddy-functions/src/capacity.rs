//! How many environments may live at once, all functions together.
//!
//! A function without any environment may always have one, even beyond the limit: a function that waits for the
//! answer of another would otherwise wait for ever when its like have taken all places.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::pool::Pool;

#[derive(Clone)]
pub(crate) struct Capacity {
    shared: Arc<Shared>,
}

struct Shared {
    max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: usize,
    /// Functions that wait for a place, each once, in the order in which they came.
    hungry: VecDeque<Weak<Pool>>,
}

/// A place for one environment; given back when dropped.
pub(crate) struct Permit {
    capacity: Capacity,
}

impl Capacity {
    pub(crate) fn new(max: usize) -> Capacity {
        Capacity { shared: Arc::new(Shared { max, state: Mutex::default() }) }
    }

    pub(crate) fn max(&self) -> usize {
        self.shared.max
    }

    /// A place, if there is one. `beyond` takes one even beyond the limit.
    pub(crate) fn take(&self, beyond: bool) -> Option<Permit> {
        let mut state = self.state();
        if state.used >= self.shared.max && !beyond {
            return None;
        }
        state.used += 1;
        Some(Permit { capacity: self.clone() })
    }

    /// Remembers a function for the next place that becomes free.
    pub(crate) fn wait(&self, pool: &Arc<Pool>) {
        let mut state = self.state();
        let pool = Arc::downgrade(pool);
        if !state.hungry.iter().any(|other| other.ptr_eq(&pool)) {
            state.hungry.push_back(pool);
        }
    }

    /// The function that has waited longest, if there is a place for it.
    pub(crate) fn next(&self) -> Option<Arc<Pool>> {
        let mut state = self.state();
        while state.used < self.shared.max {
            let pool = state.hungry.pop_front()?;
            if let Some(pool) = pool.upgrade() {
                return Some(pool);
            }
        }
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.capacity.state().used -= 1;
    }
}
