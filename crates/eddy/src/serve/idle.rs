//! Since when nothing is answered on a connection. One that only stands there takes a place that others want.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use eddy_base::Env;
use eddy_wire::{Outgoing, outgoing};
use http_body::{Body, Frame, SizeHint};

/// What is being answered on one connection.
pub struct Idle {
    env: Arc<dyn Env>,
    answering: AtomicUsize,
    /// When the last answer ended, or the connection began: milliseconds of the monotonic clock.
    since: AtomicU64,
}

/// A request on its way, until the last byte of its answer is handed over.
pub struct Answering(Arc<Idle>);

/// The body of an answer.
pub struct Answered {
    body: Outgoing,
    _answering: Answering,
}

impl Idle {
    pub fn new(env: Arc<dyn Env>) -> Arc<Idle> {
        let idle = Idle { env, answering: AtomicUsize::new(0), since: AtomicU64::new(0) };
        idle.touch();
        Arc::new(idle)
    }

    pub fn begin(self: &Arc<Idle>) -> Answering {
        self.answering.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// Ends when nothing has been answered for `span`.
    pub async fn over(&self, span: Duration) {
        loop {
            let idle = match self.answering.load(Ordering::Relaxed) {
                0 => self.now().saturating_sub(Duration::from_millis(self.since.load(Ordering::Relaxed))),
                _ => Duration::ZERO,
            };
            match span.checked_sub(idle).filter(|left| !left.is_zero()) {
                Some(left) => self.env.sleep(left).await,
                None => return,
            }
        }
    }

    fn touch(&self) {
        let now = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        self.since.store(now, Ordering::Relaxed);
    }

    fn now(&self) -> Duration {
        self.env.monotonic()
    }
}

impl Answering {
    /// Holds on until the body is sent or given up.
    pub fn until_sent(self, body: Outgoing) -> Answered {
        Answered { body, _answering: self }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.touch();
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = outgoing::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, outgoing::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use eddy_base::Timestamp;
    use eddy_base::env::Manual;

    use super::*;

    #[tokio::test]
    async fn what_is_answered_is_waited_for_and_counts_from_its_end() {
        let env = Manual::new(Timestamp::from_seconds(0));
        let span = Duration::from_secs(60);
        let idle = Idle::new(Arc::new(env.clone()));
        let answering = idle.begin();
        let mut over = std::pin::pin!(idle.over(span));
        let mut is_over =
            async || std::future::poll_fn(|cx| Poll::Ready(over.as_mut().poll(cx).is_ready())).await;
        assert!(!is_over().await);
        env.advance(span);
        assert!(!is_over().await, "an answer is on its way");
        env.advance(span / 2);
        drop(answering.until_sent(Outgoing::empty()));
        env.advance(span / 2);
        assert!(!is_over().await, "half of the time since the answer's end");
        env.advance(span / 2);
        assert!(is_over().await);
    }
}
