//! The time by which hyper ends connections that are too slow: that of the [`Env`], as everything here.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use eddy_base::Env;
use eddy_base::env::Boxed;
use hyper::rt::{Sleep, Timer};

/// The clock by which hyper ends connections: that of the [`Env`].
#[derive(Clone)]
pub struct Clock {
    env: Arc<dyn Env>,
    /// What stands for the start of the monotonic clock. Only differences to it count.
    zero: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "hyper wants an Instant, and there is no other way to one")]
    pub fn new(env: Arc<dyn Env>) -> Clock {
        Clock { env, zero: Instant::now() }
    }
}

impl Timer for Clock {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap(self.env.sleep(span).into()))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        self.zero + self.env.monotonic()
    }
}

/// A sleep in a lock that nobody ever takes: hyper wants its sleeps to be `Sync`.
struct Nap(std::sync::Mutex<Boxed<'static, ()>>);

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_mut().expect("nobody panics with this lock");
        sleep.as_mut().poll(context)
    }
}

impl Sleep for Nap {}
