//! Listening, serving connections, and closing without cutting anyone off.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use eddy_aws::Peer;
use eddy_base::env::{Listener, Stream, timeout};
use eddy_base::{Env, Task};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::clock::Clock;
use super::idle::Idle;
use crate::assemble::{App, GuestCall};

/// A head that does not come whole within this time ends its connection.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// A connection on which nothing is answered for this long ends. One of HTTP/1 ends earlier, by the time for its head.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// What a client that idles gets to say goodbye as its version of HTTP has it.
const GOODBYE: Duration = Duration::from_secs(5);
/// The most bytes of head that a connection may send, and of what is buffered of a body.
const BUFFER_BYTES_MAX: usize = 256 * 1024;
/// One descriptor of so many that this process may have is for a connection from outside, and another one for a
/// connection out of a jail. What the store and the jails need stays free, whoever connects how often.
const FILES_PER_CONNECTION: u64 = 4;
/// How long accepting pauses when the process has no file descriptor left.
const OUT_OF_FILES_PAUSE: Duration = Duration::from_millis(100);

/// The open doors of one server: its port, and the sockets inside its jails.
pub struct Doors {
    closing: watch::Sender<bool>,
    port: Task,
    guests: Task,
    env: Arc<dyn Env>,
    connections: Arc<Connections>,
    ended: mpsc::Receiver<Infallible>,
}

/// Connections that are being served, so that they can be told to end.
struct Connections {
    /// Each connection holds one of these, so the other end learns of the last one's end; none is left for new ones
    /// once the doors close.
    open: std::sync::Mutex<Option<mpsc::Sender<Infallible>>>,
    /// Places for connections from outside; the next ones wait in the kernel.
    outside: Arc<Semaphore>,
    /// Places for connections out of all jails together; the next ones are closed, and SDKs try again.
    guests: Arc<Semaphore>,
    /// Tells them to end with the request under way. Wakes them in the order of their coming, which the helpers for
    /// this do not.
    closing: Arc<Notify>,
    clock: Clock,
}

impl Doors {
    /// Serves what comes in through `listener` and through the platform sockets of the jails.
    pub fn open(app: Arc<App>, listener: Box<dyn Listener>, calls: mpsc::Receiver<GuestCall>) -> Doors {
        let env = app.engines.store.env().clone();
        let (open, ended) = mpsc::channel(1);
        let clock = Clock::new(env.clone());
        let places = || Arc::new(Semaphore::new(connections_max()));
        let (outside, guests) = (places(), places());
        let connections =
            Connections { open: Some(open).into(), outside, guests, closing: Arc::default(), clock };
        let connections = Arc::new(connections);
        let (closing, closed) = (app.closing.clone(), app.closing.subscribe());
        let accept = accept(app.clone(), listener, connections.clone(), closed);
        let port = env.spawn("accept", Box::pin(accept));
        let guests = env.spawn("guests' calls", Box::pin(take_calls(app, calls, connections.clone())));
        Doors { closing, port, guests, env, connections, ended }
    }

    /// Takes no new connection, lets running requests end within `span`.
    pub async fn close(mut self, span: Duration) {
        self.closing.send_replace(true);
        drop(self.port);
        drop(self.connections.open.lock().expect("nobody panics with this lock").take());
        self.connections.closing.notify_waiters();
        if timeout(&self.env, span, self.ended.recv()).await.is_err() {
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
        let next = async {
            let place = connections.outside.clone().acquire_owned().await.expect("it is never closed");
            listener.accept().await.map(|(stream, from)| (place, stream, from))
        };
        let accepted = tokio::select! {
            biased;
            _ = closed.changed() => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((place, stream, from)) => connections.serve(&app, stream, Peer::outside(from), place),
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
        let Ok(place) = connections.guests.clone().try_acquire_owned() else {
            tracing::warn!(environment = %call.environment, "functions have too many connections; one is closed");
            continue;
        };
        let from = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0);
        connections.serve(&app, call.stream, Peer::guest(from, call.environment), place);
    }
}

impl Connections {
    fn serve(&self, app: &Arc<App>, stream: Box<dyn Stream>, peer: Peer, place: OwnedSemaphorePermit) {
        let env = app.engines.store.env().clone();
        let (answering, idle) = (app.clone(), Idle::new(env.clone()));
        let busy = idle.clone();
        let service = service_fn(move |request| {
            let (app, answering) = (answering.clone(), busy.begin());
            async move {
                let answer = super::answer(&app, request, peer).await;
                Ok::<_, Infallible>(answer.map(|body| answering.until_sent(body)))
            }
        });
        let mut builder = Builder::new(Tasks(env.clone()));
        builder
            .http1()
            .timer(self.clock.clone())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(BUFFER_BYTES_MAX);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let open = self.open.lock().expect("nobody panics with this lock");
        let Some(open) = open.clone() else { return };
        let (closing, timer) = (self.closing.clone().notified_owned(), env.clone());
        let task = async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = closing => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
                () = idle.over(IDLE_MAX) => {
                    connection.as_mut().graceful_shutdown();
                    timeout(&timer, GOODBYE, connection).await.unwrap_or(Ok(()))
                }
            };
            if let Err(why) = ended {
                tracing::debug!(%why, "a connection broke");
            }
            drop((open, place));
        };
        env.spawn("connection", Box::pin(task)).detach();
    }
}

fn connections_max() -> usize {
    let share = eddy_runtime::open_files_max() / FILES_PER_CONNECTION;
    usize::try_from(share).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, Semaphore::MAX_PERMITS)
}

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
