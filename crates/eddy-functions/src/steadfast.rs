//! Work that comes to its end although nobody waits for it any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::Shared;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs where it is awaited, which costs nothing; dropped before its end, it goes on as a task of its own.
pub(crate) struct Steadfast<T: Send + 'static> {
    shared: Arc<Shared>,
    work: Option<Work<T>>,
}

impl<T: Send + 'static> Steadfast<T> {
    pub(crate) fn new(shared: &Arc<Shared>, work: impl Future<Output = T> + Send + 'static) -> Steadfast<T> {
        Steadfast { shared: Arc::clone(shared), work: Some(Box::pin(shared.counted(work))) }
    }
}

impl<T: Send + 'static> Future for Steadfast<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let work = self.work.as_mut().expect("nobody polls it again after its end");
        let done = work.as_mut().poll(context);
        if done.is_ready() {
            self.work = None;
        }
        done
    }
}

impl<T: Send + 'static> Drop for Steadfast<T> {
    fn drop(&mut self) {
        // Without an executor everything ends, and this with it.
        if let Some(work) = self.work.take()
            && Handle::try_current().is_ok()
        {
            let rest = async move { drop(work.await) };
            self.shared.env().spawn("functions.invoke", Box::pin(rest)).detach();
        }
    }
}
