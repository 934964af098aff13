//! The store from outside, over real engines, real files and real processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod blobs;
mod commits;
mod crash;
mod faults;
mod golden;
mod history;
mod keys;
mod logs;
mod opening;
mod room;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use eddy_base::env::{Boxed, Listener, Stream};
use eddy_base::{Env, System, Task, Timestamp};
use eddy_store::{Batch, BlobId, Error, Key, OpenError, Options, Range, Space, Store};

/// The spaces of these tests.
pub const THINGS: Space = Space::new(b't', "things");
pub const OTHERS: Space = Space::new(b'u', "others");

/// A row of the one cell that most tests use.
pub fn key(name: &str) -> Key {
    THINGS.key().text("cell").cell().text(name).key()
}

pub fn all() -> Range {
    THINGS.key().text("cell").cell().prefix()
}

pub fn batch(fill: impl FnOnce(&mut Batch) -> &mut Batch) -> Batch {
    let mut batch = Batch::new();
    fill(&mut batch);
    batch
}

pub fn options(folder: &Path) -> Options {
    Options { spaces: vec![THINGS, OTHERS], ..Options::new(folder, Arc::new(System::default())) }
}

pub fn open(folder: &Path) -> Result<Store, OpenError> {
    Store::open(options(folder))
}

pub async fn write_blob(store: &Store, pieces: &[&[u8]]) -> Result<BlobId, Error> {
    let mut writer = store.blobs().create()?;
    for piece in pieces {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    writer.finish().await
}

pub async fn read_blob(store: &Store, id: BlobId, range: std::ops::Range<u64>) -> Result<Vec<u8>, Error> {
    let mut reader = store.blobs().read(id, range);
    let mut bytes = Vec::new();
    while let Some(piece) = reader.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The real world with a wall clock that the test moves. Short sleeps end at once, those of a minute and more never.
#[derive(Default)]
pub struct Moved {
    system: System,
    ahead_millis: AtomicI64,
    /// With a seed the clock stands, and randomness is drawn from here.
    seed: Option<AtomicU64>,
}

impl Moved {
    pub fn seeded(seed: u64) -> Moved {
        Moved { seed: Some(AtomicU64::new(seed)), ..Moved::default() }
    }

    /// Sets the clock; it goes on from there.
    pub fn set(&self, now: Timestamp) {
        self.ahead_millis.store(now.millis() - self.system.now().millis(), Ordering::SeqCst);
    }

    pub fn forward(&self, span: Duration) {
        self.ahead_millis.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Env for Moved {
    fn now(&self) -> Timestamp {
        let start = if self.seed.is_some() { Timestamp::EPOCH } else { self.system.now() };
        Timestamp::from_millis(start.millis() + self.ahead_millis.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let Some(seed) = &self.seed else { return self.system.fill_random(buffer) };
        for byte in buffer {
            // SplitMix64, a byte of each number.
            let state = seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb).to_le_bytes()[7];
        }
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        if span >= Duration::from_secs(60) {
            return Box::pin(std::future::pending());
        }
        Box::pin(tokio::task::yield_now())
    }

    fn spawn(&self, name: &'static str, task: Boxed<'static, ()>) -> Task {
        self.system.spawn(name, task)
    }

    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        self.system.run_aside(work);
    }

    fn listen<'a>(&'a self, address: SocketAddr) -> Boxed<'a, std::io::Result<Box<dyn Listener>>> {
        self.system.listen(address)
    }

    fn connect<'a>(&'a self, address: SocketAddr) -> Boxed<'a, std::io::Result<Box<dyn Stream>>> {
        self.system.connect(address)
    }
}
