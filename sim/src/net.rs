//! The simulated network: listeners by address, and wires that are slow now and then and may be cut.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eddy_base::env::{Boxed, Listener, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::world::{Draw, World};

/// What a wire holds in each direction before the writer waits.
const BUFFER_BYTES: usize = 64 * 1024;
/// What goes over a wire at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// One connection in so many is cut, while there is a storm.
const CUT_ONE_IN: u64 = 20;

/// The network of a world.
#[derive(Clone)]
pub struct Net {
    state: Arc<Mutex<State>>,
}

struct State {
    listeners: BTreeMap<SocketAddr, mpsc::UnboundedSender<Arrived>>,
    draw: Draw,
    next_port: u16,
    is_stormy: bool,
    cuts: u64,
}

type Arrived = (Box<dyn Stream>, SocketAddr);

impl Net {
    pub fn new(seed: u64) -> Net {
        let state = State {
            listeners: BTreeMap::new(),
            draw: Draw::new(seed, "net"),
            next_port: 40_000,
            is_stormy: false,
            cuts: 0,
        };
        Net { state: Arc::new(Mutex::new(state)) }
    }

    /// From now on connections are cut, or are not any more.
    pub fn set_stormy(&self, is_stormy: bool) {
        self.lock().is_stormy = is_stormy;
    }

    /// How many connections were cut.
    pub fn cuts(&self) -> u64 {
        self.lock().cuts
    }

    pub fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let mut state = self.lock();
        if state.listeners.get(&address).is_some_and(|there| !there.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, arriving) = mpsc::unbounded_channel();
        state.listeners.insert(address, sender);
        Ok(Box::new(Port { address, arriving }))
    }

    pub async fn connect(&self, world: &World, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let trip = Duration::from_micros(50 + self.lock().draw.below(400));
        world.sleep(trip).await;
        let mut state = self.lock();
        let listener = state.listeners.get(&address).ok_or(io::ErrorKind::ConnectionRefused)?.clone();
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, state.next_port));
        state.next_port = state.next_port.checked_add(1).unwrap_or(40_000);
        let is_cut = state.is_stormy && state.draw.one_in(CUT_ONE_IN);
        let seed = state.draw.next();
        state.cuts += u64::from(is_cut);
        drop(state);
        let (client, client_end) = tokio::io::duplex(BUFFER_BYTES);
        let (server, server_end) = tokio::io::duplex(BUFFER_BYTES);
        listener.send((Box::new(server), from)).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        tokio::spawn(wire(world.clone(), client_end, server_end, Draw::new(seed, "wire"), is_cut));
        Ok(Box::new(client))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Port {
    address: SocketAddr,
    arriving: mpsc::UnboundedReceiver<Arrived>,
}

impl Listener for Port {
    fn accept<'a>(&'a mut self) -> Boxed<'a, io::Result<Arrived>> {
        Box::pin(async move { self.arriving.recv().await.ok_or(io::ErrorKind::NotConnected.into()) })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Carries both directions until each has ended. One that is to be cut takes both with it, somewhere on its way.
async fn wire(world: World, client: DuplexStream, server: DuplexStream, mut draw: Draw, is_cut: bool) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    // Most requests are small and most answers too: a cut of either is as likely as the other.
    let (up, down) = match (is_cut, draw.one_in(2)) {
        (false, _) => (u64::MAX, u64::MAX),
        (true, true) => (draw.below(2_000), u64::MAX),
        (true, false) => (u64::MAX, draw.below(400)),
    };
    let (up_draw, down_draw) = (Draw::new(draw.next(), "up"), Draw::new(draw.next(), "down"));
    let up = carry(world.clone(), from_client, to_server, up_draw, up);
    let down = carry(world, from_server, to_client, down_draw, down);
    tokio::pin!(up, down);
    let (first_was_cut, is_up) = tokio::select! {
        biased;
        was_cut = &mut up => (was_cut, true),
        was_cut = &mut down => (was_cut, false),
    };
    match (first_was_cut, is_up) {
        (true, _) => {}
        (false, true) => drop(down.await),
        (false, false) => drop(up.await),
    }
}

/// Carries one direction to its end, or to its cut after `bytes_max`: true if it was cut.
async fn carry(
    world: World,
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    mut draw: Draw,
    bytes_max: u64,
) -> bool {
    let (mut buffer, mut carried) = (vec![0; PIECE_BYTES], 0);
    loop {
        let Ok(bytes @ 1..) = from.read(&mut buffer).await else {
            // The other end may have gone already.
            let _ = to.shutdown().await;
            return false;
        };
        let slow = if draw.one_in(50) { 20_000 } else { 300 };
        world.sleep(Duration::from_micros(20 + draw.below(slow))).await;
        let left = usize::try_from(bytes_max - carried).unwrap_or(usize::MAX);
        let passing = bytes.min(left);
        carried += passing as u64;
        if to.write_all(&buffer[..passing]).await.is_err() {
            return false;
        }
        if passing < bytes || passing == left {
            return true;
        }
    }
}
