//! A started guest, whichever jail it is in.

use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Id, Timestamp};

use crate::{Error, Failure, process, testing};

/// One running environment. It answers one event at a time; dropping it kills it.
#[derive(Debug)]
pub struct Guest {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    InJail(process::Running),
    InTest(testing::Guest),
}

/// One event for a guest.
#[derive(Debug, Clone)]
pub struct Event {
    /// Request id of the invocation.
    pub request: Id,
    /// What the handler gets. At most [`crate::limits::EVENT_BYTES_MAX`].
    pub payload: Bytes,
    /// Shown to the function as its remaining time. The limit that is enforced is `within` of
    /// [`Guest::invoke`].
    pub deadline: Timestamp,
    /// The ARN that was invoked, with its qualifier.
    pub function_arn: String,
    /// `Root=..;Parent=..;Sampled=..`.
    pub trace: Option<String>,
    /// JSON, decoded from the base64 of the request.
    pub client_context: Option<String>,
    /// JSON.
    pub identity: Option<String>,
    pub tenant: Option<String>,
}

/// The guest has finished its init.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Init {
    /// From the request for a jail until the guest was ready.
    pub took: Duration,
}

/// One invocation, answered or not.
#[derive(Debug)]
pub struct Invoked {
    pub result: Result<Reply, Failure>,
    /// From handing over the event until the answer was complete.
    pub duration: Duration,
    pub usage: Usage,
}

/// What a handler returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub payload: Bytes,
    /// `application/json`, or `application/unknown` for raw bytes.
    pub content_type: String,
}

/// What a guest has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The most memory during this invocation, `/tmp` not counted.
    pub memory_peak_bytes: u64,
    /// Counted by the kernel; else added up from samples, so that the true value may be higher.
    pub memory_exact: bool,
    /// Processor time of this invocation, where the kernel counts it.
    pub cpu: Option<Duration>,
}

/// How a guest was stopped between invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// By the kernel's freezer: the guest cannot tell.
    Frozen,
    /// By SIGSTOP to each process, which a process could notice.
    Emulated,
}

impl Guest {
    pub(crate) fn in_jail(guest: process::Running) -> Guest {
        Guest { inner: Inner::InJail(guest) }
    }

    pub(crate) fn in_test(guest: testing::Guest) -> Guest {
        Guest { inner: Inner::InTest(guest) }
    }

    /// Which environment this is: [`crate::Spec::environment`].
    pub fn environment(&self) -> Id {
        match &self.inner {
            Inner::InJail(guest) => guest.environment(),
            Inner::InTest(guest) => guest.environment(),
        }
    }

    /// Waits until the guest has finished its init, at most `within`.
    ///
    /// # Errors
    /// [`Failure::Init`] when it reported an error, [`Failure::Exit`] or [`Failure::OutOfMemory`] when it
    /// ended, [`Failure::Timeout`] when the time is over. In each case the guest is killed.
    pub async fn ready(&self, within: Duration) -> Result<Init, Failure> {
        match &self.inner {
            Inner::InJail(guest) => guest.ready(within).await,
            Inner::InTest(guest) => guest.ready(within).await,
        }
    }

    /// Hands over one event and waits for the answer, at most `within`. Thaws a frozen guest.
    ///
    /// What the guest printed until its answer has been given to the sink when this returns. At the end of
    /// the time the answer is [`Failure::Timeout`] at once, and the guest is killed behind it. Dropping the
    /// future kills the guest.
    pub async fn invoke(&self, event: Event, within: Duration) -> Invoked {
        match &self.inner {
            Inner::InJail(guest) => guest.invoke(event, within).await,
            Inner::InTest(guest) => guest.invoke(event, within).await,
        }
    }

    /// Stops all processes of the guest until [`Guest::thaw`] or the next event.
    ///
    /// # Errors
    /// [`Error::Busy`] while an event is being answered; what the kernel says.
    pub async fn freeze(&self) -> Result<Freeze, Error> {
        match &self.inner {
            Inner::InJail(guest) => guest.freeze(),
            Inner::InTest(guest) => guest.freeze(),
        }
    }

    /// Lets a frozen guest run again.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn thaw(&self) -> Result<(), Error> {
        match &self.inner {
            Inner::InJail(guest) => guest.thaw(),
            Inner::InTest(guest) => guest.thaw(),
        }
    }

    /// What the guest has used since its last event began.
    pub fn usage(&self) -> Usage {
        match &self.inner {
            Inner::InJail(guest) => guest.usage(),
            Inner::InTest(guest) => guest.usage(),
        }
    }

    /// Has the guest ended, whoever ended it?
    pub fn ended(&self) -> bool {
        match &self.inner {
            Inner::InJail(guest) => guest.ended(),
            Inner::InTest(guest) => guest.ended(),
        }
    }

    /// Kills the guest and waits until none of its processes is left.
    pub async fn stop(self) {
        match &self.inner {
            Inner::InJail(guest) => guest.stop().await,
            Inner::InTest(guest) => guest.stop(),
        }
    }
}
