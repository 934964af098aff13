//! The real world: the kernel's clock and randomness, tokio's tasks and sockets.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Boxed, Env, Listener, Stream, Task};
use crate::Timestamp;

/// Connections that the kernel may hold until they are accepted; it may allow fewer. Beyond it a client waits a second
/// and tries again.
const WAITING_CONNECTIONS_MAX: u32 = 4096;

/// The [`Env`] of production.
#[derive(Debug)]
pub struct System {
    started: Instant,
    random: SystemRandom,
}

impl Default for System {
    #[expect(clippy::disallowed_methods, reason = "this is the port behind which the clock stands")]
    fn default() -> System {
        System { started: Instant::now(), random: SystemRandom::new() }
    }
}

impl Env for System {
    #[expect(clippy::disallowed_methods, reason = "this is the port behind which the clock stands")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.random.fill(buffer).expect("the kernel's random source does not fail once it is seeded");
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port behind which timers stand")]
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port behind which tasks are started")]
    fn spawn(&self, name: &'static str, task: Boxed<'static, ()>) -> Task {
        Task::new(name, tokio::spawn(task))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port behind which the blocking pool stands")]
    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_blocking(work);
    }

    fn listen<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // The port of a server that has just ended is free for the next one, whatever still hangs on it.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let listener = socket.listen(WAITING_CONNECTIONS_MAX)?;
            let address = listener.local_addr()?;
            Ok(Box::new(Tcp { listener, address }) as Box<dyn Listener>)
        })
    }

    fn connect<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

struct Tcp {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener for Tcp {
    fn accept<'a>(&'a mut self) -> Boxed<'a, io::Result<(Box<dyn Stream>, SocketAddr)>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as Box<dyn Stream>, peer))
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}
