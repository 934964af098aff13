//! Connections that guests make to the platform endpoint of their jails, handed to the server with the name of who
//! made them. A guest has only so many at a time; its others wait in the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use eddy_base::env::Stream;
use eddy_base::{Env, Id};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{ACCEPT_AGAIN, CALLS_PER_GUEST_MAX};

/// A connection that a guest made to the platform endpoint.
pub struct Call {
    /// Which environment called: [`Spec::environment`]. Nobody else can use its socket.
    pub environment: Id,
    pub stream: Box<dyn Stream>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// Takes the connections that guests make. Called from a task: must not block.
pub type Calls = Arc<dyn Fn(Call) + Send + Sync>;

/// A guest's connection, which counts until it is closed.
struct Counted {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

/// Hands each connection to the server, with the name of who made it.
pub(super) async fn accept(env: Arc<dyn Env>, listener: TcpListener, environment: Id, calls: Calls) {
    let places = Arc::new(Semaphore::new(CALLS_PER_GUEST_MAX));
    loop {
        let Ok(permit) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // A connection that was broken off, or no descriptors left for a while.
            env.sleep(ACCEPT_AGAIN).await;
            continue;
        };
        // Requests are small and waited for. A connection that is gone already shows at the first read.
        let _ = stream.set_nodelay(true);
        calls(Call { environment, stream: Box::new(Counted { stream, _permit: permit }) });
    }
}

pub(super) fn listener_of(descriptor: OwnedFd) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::from(descriptor);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

impl AsyncRead for Counted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use eddy_base::System;
    use tokio::io::AsyncReadExt;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_guest_has_so_many_connections_and_the_next_waits_for_an_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, mut taken) = mpsc::unbounded_channel();
        let sender = Mutex::new(sender);
        let calls: Calls = Arc::new(move |call: Call| drop(sender.lock().unwrap().send(call)));
        let env: Arc<dyn Env> = Arc::new(System::default());
        let door = accept(env.clone(), listener, Id::from_bytes([1; 16]), calls);
        let _door = env.spawn("accept", Box::pin(door));
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..CALLS_PER_GUEST_MAX {
            theirs.push(TcpStream::connect(address).await.unwrap());
            ours.push(taken.recv().await.unwrap());
        }
        let mut late = TcpStream::connect(address).await.unwrap();
        assert!(taken.try_recv().is_err());
        drop(ours.pop());
        let call = taken.recv().await.unwrap();
        drop(call);
        assert_eq!(late.read(&mut [0]).await.unwrap(), 0);
    }
}
