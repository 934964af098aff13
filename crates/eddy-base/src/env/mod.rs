//! The port to the outside world: time, randomness, tasks, network.
//!
//! Everything above the store's engine takes these from an [`Env`], so that the simulator can hand in its own
//! and the same seed gives the same run.

mod manual;
mod system;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::Timestamp;

pub use manual::Manual;
pub use system::System;

/// A future without a name, as a `dyn` port must return it.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connection, whichever network it came from.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// What the outside world gives.
pub trait Env: Send + Sync + 'static {
    /// Wall-clock time. May step.
    fn now(&self) -> Timestamp;

    /// Time since some start; never goes back.
    fn monotonic(&self) -> Duration;

    /// Fills the buffer with bytes that nobody can guess.
    fn fill_random(&self, buffer: &mut [u8]);

    /// Ends after `span`.
    fn sleep(&self, span: Duration) -> Boxed<'static, ()>;

    /// Runs a task until it ends or its [`Task`] is dropped.
    fn spawn(&self, name: &'static str, task: Boxed<'static, ()>) -> Task;

    /// Runs what waits for a disk, or is long for the processor, where it stops nobody. It runs to its end, whether
    /// or not somebody waits for that; see [`blocking`].
    fn run_aside(&self, work: Box<dyn FnOnce() + Send>);

    /// Listens on an address.
    fn listen<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Listener>>>;

    /// Connects to an address.
    fn connect<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Stream>>>;
}

/// A listening socket of an [`Env`].
pub trait Listener: Send + 'static {
    fn accept<'a>(&'a mut self) -> Boxed<'a, io::Result<(Box<dyn Stream>, SocketAddr)>>;

    fn address(&self) -> SocketAddr;
}

/// A running task. Dropping it cancels the task at its next await.
#[derive(Debug)]
pub struct Task {
    name: &'static str,
    handle: Option<tokio::task::JoinHandle<()>>,
}

impl Task {
    pub fn new(name: &'static str, handle: tokio::task::JoinHandle<()>) -> Task {
        Task { name, handle: Some(handle) }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Waits for the task's own end.
    ///
    /// # Errors
    /// The name of the task when it panicked.
    pub async fn join(mut self) -> Result<(), &'static str> {
        let Some(handle) = self.handle.as_mut() else { return Ok(()) };
        handle.await.map_err(|_| self.name)
    }

    /// Lets it run on without an owner. For tasks that end with a connection or a guest.
    pub fn detach(mut self) {
        self.handle = None;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.abort();
        }
    }
}

/// Runs a future with a limit on its time.
///
/// # Errors
/// [`Elapsed`] when `span` passes first; the future is dropped.
pub async fn timeout<T>(
    env: &Arc<dyn Env>,
    span: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    tokio::select! {
        biased;
        value = future => Ok(value),
        () = env.sleep(span) => Err(Elapsed),
    }
}

/// Runs work by [`Env::run_aside`] and waits for what it gives.
///
/// # Errors
/// [`Lost`] when it panicked.
pub async fn blocking<T: Send + 'static>(
    env: &Arc<dyn Env>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Lost> {
    let (sender, done) = oneshot::channel();
    // Whoever asked may have gone; the work is done all the same.
    env.run_aside(Box::new(move || drop(sender.send(work()))));
    done.await.map_err(|_| Lost)
}

/// The work panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work did not end")]
pub struct Lost;

/// The time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time ran out")]
pub struct Elapsed;
