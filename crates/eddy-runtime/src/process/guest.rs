//! A guest in a jail: events go in, answers, output and measurements come out, and in the end it is killed.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eddy_base::{Env, Id, Task};
use tokio::io::unix::AsyncFd;
use tokio::sync::{Mutex, watch};

use super::family::{self, Life};
use super::link::{self, End, Link};
use super::logs::Logs;
use super::meter::Meter;
use crate::contract::Answer;
use crate::contract::api::Api;
use crate::contract::frames::Frames;
use crate::inside::plan::{Order, Report};
use crate::supervisor::message::GroupFile;
use crate::sys::packet;
use crate::{Error, Event, Failure, Freeze, Init, Invoked, Reply, Usage};

/// Where it cannot be seen whether a guest that has closed its channel is ending: how long it may take to.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// How long the death of a jail may take before whoever waits for it gives up.
const BURIAL: Duration = Duration::from_secs(5);

pub(crate) struct Guest {
    pub(super) env: Arc<dyn Env>,
    pub(super) environment: Id,
    pub(super) id: u64,
    pub(super) link: Arc<Link>,
    pub(super) control: AsyncFd<OwnedFd>,
    pub(super) channel: Channel,
    pub(super) logs: Arc<Logs>,
    pub(super) meter: Meter,
    pub(super) freezer: Freezer,
    pub(super) end: watch::Receiver<Option<End>>,
    /// When it was asked for.
    pub(super) asked_at: Duration,
    pub(super) state: States,
    /// The pump of its output and its listeners. They end with it.
    pub(super) tasks: Vec<Task>,
    /// Why its program cannot be run, if it cannot.
    pub(super) cannot_run: Option<String>,
    /// Its folder for temporary files, where it has no file system of its own.
    pub(super) folder: Option<PathBuf>,
}

/// How the guest and we speak.
pub(super) enum Channel {
    Frames(Mutex<Frames>),
    Api(Arc<Api>),
}

/// What stops a guest.
pub(super) enum Freezer {
    File(GroupFile, OwnedFd),
    /// By signals from its init.
    Signals,
}

#[derive(Default)]
pub(super) struct States {
    ready: AtomicBool,
    busy: AtomicBool,
    frozen: AtomicBool,
    killed: AtomicBool,
    /// Killed for its memory, by us.
    over: AtomicBool,
}

impl Guest {
    pub(crate) fn environment(&self) -> Id {
        self.environment
    }

    pub(crate) async fn ready(&self, within: Duration) -> Result<Init, Failure> {
        let _free = self.take()?;
        let attempt = Attempt::new(self);
        let outcome = self.wait_ready(within).await;
        self.logs.finish();
        attempt.over(outcome.is_ok());
        outcome
    }

    pub(crate) async fn invoke(&self, event: Event, within: Duration) -> Invoked {
        let started = self.env.monotonic();
        let result = match self.take() {
            Ok(_free) => {
                let attempt = Attempt::new(self);
                self.logs.begin(event.request);
                self.meter.begin();
                let result = self.exchange(event, within).await;
                self.logs.finish();
                attempt.over(!result.as_ref().is_err_and(Failure::ends_guest));
                result
            }
            Err(busy) => Err(busy),
        };
        Invoked { result, duration: self.env.monotonic().saturating_sub(started), usage: self.meter.usage() }
    }

    async fn exchange(&self, event: Event, within: Duration) -> Result<Reply, Failure> {
        self.thaw().map_err(Failure::Host)?;
        if !self.state.ready.load(Ordering::SeqCst) {
            self.wait_ready(within).await?;
        }
        let answer = async {
            match &self.channel {
                Channel::Frames(frames) => {
                    let mut frames = frames.lock().await;
                    if frames.has_unread() {
                        return Answer::Garbled;
                    }
                    match frames.send(&event).await {
                        Ok(()) => frames.answer().await,
                        Err(_) => Answer::Gone,
                    }
                }
                Channel::Api(api) => {
                    api.send(event);
                    api.answer().await
                }
            }
        };
        match self.first_of(answer, within).await? {
            Answer::Ready | Answer::InitFailed { .. } => Err(Failure::Truncated),
            answer => match answer.outcome() {
                Some(outcome) => outcome,
                None => Err(self.last_words().await),
            },
        }
    }

    async fn wait_ready(&self, within: Duration) -> Result<Init, Failure> {
        if let Some(reason) = &self.cannot_run {
            return Err(Failure::Entrypoint { reason: reason.clone() });
        }
        let answer = async {
            match &self.channel {
                Channel::Frames(frames) => frames.lock().await.answer().await,
                Channel::Api(api) => api.answer().await,
            }
        };
        match self.first_of(answer, within).await? {
            Answer::Ready => {
                self.state.ready.store(true, Ordering::SeqCst);
                Ok(Init { took: self.env.monotonic().saturating_sub(self.asked_at) })
            }
            answer => Err(match answer.outcome() {
                Some(Err(failure)) => failure,
                Some(Ok(_)) => Failure::Truncated,
                None => self.last_words().await,
            }),
        }
    }

    /// The answer, unless the guest ends, takes too much memory or too much time.
    async fn first_of(
        &self,
        answer: impl Future<Output = Answer>,
        within: Duration,
    ) -> Result<Answer, Failure> {
        let mut end = self.end.clone();
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = self.meter.over(&*self.env) => {
                self.state.over.store(true, Ordering::SeqCst);
                Err(Failure::OutOfMemory)
            }
            // What it gives holds a lock, so it must be gone before the next await.
            () = async { drop(end.wait_for(Option::is_some).await) } => Err(self.last_words().await),
            () = self.env.sleep(within) => Err(Failure::Timeout),
        }
    }

    /// How it ended, or how it will be ended if it only has closed its channel.
    async fn last_words(&self) -> Failure {
        let mut end = self.end.clone();
        // A process closes its files a while before anybody hears of its end: on a busy machine a long while.
        let patience = match family::life(self.meter.pid()) {
            Life::Ending => BURIAL,
            Life::Unknown => LAST_WORDS,
            Life::GoesOn => Duration::ZERO,
        };
        let ended = tokio::select! {
            biased;
            end = end.wait_for(Option::is_some) => end.ok().and_then(|end| end.clone()),
            () = self.env.sleep(patience) => None,
        };
        let Some(end) = ended else { return Failure::Exit { code: None, signal: None } };
        if end.supervisor_gone {
            return Failure::Host(Error::Supervisor("it ended and took its guests with it".to_owned()));
        }
        if end.out_of_memory || self.state.over.load(Ordering::SeqCst) {
            return Failure::OutOfMemory;
        }
        loop {
            match packet::receive::<Report>(self.control.get_ref()) {
                Ok(Some((Report::Ended { code, signal }, _))) => return Failure::Exit { code, signal },
                Ok(Some((Report::NotRun { reason }, _))) => return Failure::Entrypoint { reason },
                Ok(Some(_)) => {}
                // Its init was killed before it could say anything.
                Ok(None) | Err(_) => return Failure::Exit { code: None, signal: Some(libc::SIGKILL) },
            }
        }
    }

    pub(crate) fn freeze(&self) -> Result<Freeze, Error> {
        let _free = self.take().map_err(|_| Error::Busy)?;
        let done = match &self.freezer {
            Freezer::File(file, descriptor) => {
                let word: &[u8] = if *file == GroupFile::FreezeV2 { b"1" } else { b"FROZEN" };
                rustix::io::pwrite(descriptor, word, 0)
                    .map_err(|error| Error::Io { doing: "freeze a guest", reason: error.to_string() })?;
                Freeze::Frozen
            }
            Freezer::Signals => {
                self.order(Order::Stop)?;
                Freeze::Emulated
            }
        };
        self.state.frozen.store(true, Ordering::SeqCst);
        Ok(done)
    }

    pub(crate) fn thaw(&self) -> Result<(), Error> {
        if !self.state.frozen.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        match &self.freezer {
            Freezer::File(file, descriptor) => {
                let word: &[u8] = if *file == GroupFile::FreezeV2 { b"0" } else { b"THAWED" };
                rustix::io::pwrite(descriptor, word, 0)
                    .map(drop)
                    .map_err(|error| Error::Io { doing: "thaw a guest", reason: error.to_string() })
            }
            Freezer::Signals => self.order(Order::Continue),
        }
    }

    fn order(&self, order: Order) -> Result<(), Error> {
        link::send(&self.control, &order, &[])
            .map_err(|error| Error::Io { doing: "signal a guest", reason: error.to_string() })
    }

    pub(crate) fn usage(&self) -> Usage {
        self.meter.usage()
    }

    pub(crate) fn ended(&self) -> bool {
        self.state.killed.load(Ordering::SeqCst) || self.end.borrow().is_some()
    }

    pub(crate) async fn stop(&self) {
        self.kill();
        let mut end = self.end.clone();
        tokio::select! {
            _ = end.wait_for(Option::is_some) => {}
            () = self.env.sleep(BURIAL) => tracing::warn!(jail = self.id, "a jail takes long to die"),
        }
    }

    fn kill(&self) {
        if !self.state.killed.swap(true, Ordering::SeqCst) {
            let _ = self.thaw();
            self.link.kill(self.id);
        }
    }

    fn take(&self) -> Result<Free<'_>, Failure> {
        if self.state.busy.swap(true, Ordering::SeqCst) {
            return Err(Failure::Host(Error::Busy));
        }
        Ok(Free(&self.state.busy))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.kill();
        self.tasks.clear();
        if let Some(folder) = &self.folder {
            // Its processes are being killed; what they still manage to write goes with the next start's sweep.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("environment", &self.environment)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Ends the guest's work, also when the future is dropped half-way.
struct Free<'a>(&'a AtomicBool);

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Kills the guest unless it came through: nobody knows what a guest does whose answer nobody waits for.
struct Attempt<'a> {
    guest: Option<&'a Guest>,
}

impl<'a> Attempt<'a> {
    fn new(guest: &'a Guest) -> Attempt<'a> {
        Attempt { guest: Some(guest) }
    }

    fn over(mut self, usable: bool) {
        if usable {
            self.guest = None;
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(guest) = self.guest {
            guest.kill();
        }
    }
}
