//! Listening, serving connections, and closing without cutting anyone off.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use eddy_aws::Peer;
use eddy_base::env::{Boxed, Listener, Stream, timeout};
use eddy_base::{Env, Task};
use hyper::rt::{Sleep, Timer};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{mpsc, watch};

use crate::assemble::{App, GuestCall};

/// A head that does not come whole within this time ends its connection.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// The most bytes of head that a connection may send, and of what is buffered of a body.
const BUFFER_BYTES_MAX: usize = 256 * 1024;
/// How long accepting pauses when the process has no file descriptor left.
const OUT_OF_FILES_PAUSE: Duration = Duration::from_millis(100);

/// The open doors of one server: its port, and the sockets inside its jails.
pub struct Doors {
    closing: watch::Sender<bool>,
    port: Task,
    guests: Task,
    env: Arc<dyn Env>,
    connections: Arc<Connections>,
}

/// Connections that are being served, so that they can be told to end.
struct Connections {
    graceful: std::sync::Mutex<Option<GracefulShutdown>>,
    clock: Clock,
}

impl Doors {
    /// Serves what comes in through `listener` and through the platform sockets of the jails.
    pub fn open(app: Arc<App>, listener: Box<dyn Listener>, calls: mpsc::Receiver<GuestCall>) -> Doors {
        let env = app.engines.store.env().clone();
        let graceful = std::sync::Mutex::new(Some(GracefulShutdown::new()));
        let connections = Arc::new(Connections { graceful, clock: Clock::new(env.clone()) });
        let (closing, closed) = watch::channel(false);
        let accept = accept(app.clone(), listener, connections.clone(), closed);
        let port = env.spawn("accept", Box::pin(accept));
        let guests = env.spawn("guests' calls", Box::pin(take_calls(app, calls, connections.clone())));
        Doors { closing, port, guests, env, connections }
    }

    /// Takes no new connection, lets running requests end within `span`.
    pub async fn close(self, span: Duration) {
        // The receiver may be gone already; then there is nobody to tell.
        let _ = self.closing.send(true);
        drop(self.port);
        let graceful = self.connections.graceful.lock().expect("nobody panics with this lock").take();
        if let Some(graceful) = graceful
            && timeout(&self.env, span, graceful.shutdown()).await.is_err()
        {
            tracing::warn!("some requests did not end in their time and are cut off");
        }
        drop(self.guests);
    }
}

async fn accept(
    app: Arc<App>,
    mut listener: Box<dyn Listener>,
    connections: Arc<Connections>,
    mut closed: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = closed.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => connections.serve(&app, stream, Peer::outside(from)),
            Err(why) => {
                tracing::warn!(%why, "cannot accept a connection");
                app.engines.store.env().sleep(OUT_OF_FILES_PAUSE).await;
            }
        }
    }
}

/// A call from inside a jail is a connection like any other, but it is known whose it is.
async fn take_calls(app: Arc<App>, mut calls: mpsc::Receiver<GuestCall>, connections: Arc<Connections>) {
    while let Some(call) = calls.recv().await {
        let from = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0);
        connections.serve(&app, call.stream, Peer::guest(from, call.environment));
    }
}

impl Connections {
    fn serve(&self, app: &Arc<App>, stream: Box<dyn Stream>, peer: Peer) {
        let env = app.engines.store.env().clone();
        let answering = app.clone();
        let service = service_fn(move |request| {
            let (app, peer) = (answering.clone(), peer);
            async move { Ok::<_, Infallible>(super::answer(&app, request, peer).await) }
        });
        let mut builder = Builder::new(Tasks(env.clone()));
        builder
            .http1()
            .timer(self.clock.clone())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(BUFFER_BYTES_MAX);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let graceful = self.graceful.lock().expect("nobody panics with this lock");
        let Some(graceful) = graceful.as_ref() else { return };
        let watched = graceful.watch(connection);
        let task = async move {
            if let Err(why) = watched.await {
                tracing::debug!(%why, "a connection broke");
            }
        };
        env.spawn("connection", Box::pin(task)).detach();
    }
}

/// The clock by which hyper ends connections: that of the [`Env`].
#[derive(Clone)]
struct Clock {
    env: Arc<dyn Env>,
    /// What stands for the start of the monotonic clock. Only differences to it count.
    zero: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "hyper wants an Instant, and there is no other way to one")]
    fn new(env: Arc<dyn Env>) -> Clock {
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

/// Tasks that HTTP/2 starts for its streams.
#[derive(Clone)]
struct Tasks(Arc<dyn Env>);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn("http2 stream", Box::pin(async move { drop(future.await) })).detach();
    }
}
