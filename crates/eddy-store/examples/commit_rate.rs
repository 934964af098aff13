//! Durable commits per second, beside the floor that the disk itself sets.
//!
//! Prints one JSON object a line. `floor`: as many writers hand 256-byte records to one thread that appends all that
//! wait and syncs once per group. `commit`: the same writers, each committing one 256-byte row of its own. `one_row`:
//! 64 writers that add to one counter, beside 64 with a counter each (`own_rows`). The two of a line take turns, so
//! that a slow moment of the disk hits both; the numbers are medians of the turns.
//!
//! `cargo run --release -p eddy-store --example commit_rate [SECONDS-PER-TURN] [FOLDER]`

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use eddy_base::{Env, Id, System};
use eddy_store::{Batch, Key, Options, Space, Store};
use tokio::sync::oneshot;

const SPACE: Space = Space::new(b'b', "bench");
const VALUE_BYTES: usize = 256;
const WRITERS: [u64; 4] = [1, 16, 64, 256];
const TURNS: usize = 7;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the numbers are what it is for")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(0.5), |text| text.parse())?;
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let env: Arc<dyn Env> = Arc::new(System::default());
    let folder = Folder::new(&parent, &*env)?;
    let options = Options { spaces: vec![SPACE], ..Options::new(folder.0.join("store"), Arc::clone(&env)) };
    let bench = Bench { span: Duration::from_secs_f64(seconds), env, store: Store::open(options)?, folder };
    for writers in WRITERS {
        let floor = Floor::new(&bench.folder.0)?;
        let mut turns = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            turns[0].push(bench.floor(&floor, writers).await);
            turns[1].push(bench.commits(writers, Shape::Put).await);
        }
        floor.end()?;
        let [floor, commit] = turns.map(median);
        let ratio = commit / floor;
        println!(
            r#"{{"writers":{writers},"floor_per_s":{floor:.0},"commit_per_s":{commit:.0},"ratio":{ratio:.2}}}"#
        );
    }
    let mut turns = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        turns[0].push(bench.commits(64, Shape::AddOwn).await);
        turns[1].push(bench.commits(64, Shape::AddOne).await);
    }
    let [own, one] = turns.map(median);
    let ratio = one / own;
    println!(r#"{{"writers":64,"own_rows_per_s":{own:.0},"one_row_per_s":{one:.0},"ratio":{ratio:.2}}}"#);
    bench.store.close().await;
    Ok(())
}

struct Bench {
    span: Duration,
    env: Arc<dyn Env>,
    store: Store,
    /// Last: it goes after the store.
    folder: Folder,
}

/// What each commit does.
#[derive(Clone, Copy)]
enum Shape {
    Put,
    AddOwn,
    AddOne,
}

/// One thread that appends and syncs, and nothing else.
struct Floor {
    sender: mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>,
    syncer: std::thread::JoinHandle<std::io::Result<()>>,
}

/// A folder that goes when dropped.
struct Folder(PathBuf);

impl Floor {
    fn new(folder: &Path) -> std::io::Result<Floor> {
        let mut file = File::create(folder.join("floor"))?;
        file.set_len(64 * 1024 * 1024)?;
        file.sync_all()?;
        let (sender, receiver) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>();
        let syncer = std::thread::spawn(move || {
            while let Ok(first) = receiver.recv() {
                let group: Vec<_> = std::iter::once(first).chain(receiver.try_iter().take(1023)).collect();
                let bytes: Vec<u8> = group.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
                file.write_all(&bytes)?;
                file.sync_data()?;
                for (_, done) in group {
                    let _ = done.send(());
                }
            }
            Ok(())
        });
        Ok(Floor { sender, syncer })
    }

    fn end(self) -> Result<(), Failure> {
        drop(self.sender);
        Ok(self.syncer.join().map_err(|_| "the syncer panicked")??)
    }
}

impl Bench {
    async fn floor(&self, floor: &Floor, writers: u64) -> f64 {
        let sender = floor.sender.clone();
        let append = move |_, _| {
            let sender = sender.clone();
            async move {
                let (done, synced) = oneshot::channel();
                let sent = sender.send((vec![7; VALUE_BYTES], done)).is_ok();
                sent && synced.await.is_ok()
            }
        };
        self.run(writers, append).await
    }

    async fn commits(&self, writers: u64, shape: Shape) -> f64 {
        let store = self.store.clone();
        let first = store.snapshot().pos().0;
        let commit = move |writer, nth| {
            let store = store.clone();
            async move {
                let mut batch = Batch::new();
                match shape {
                    Shape::Put => batch.put(key(writer, first + nth), vec![7; VALUE_BYTES]),
                    Shape::AddOwn => batch.add(key(writer, 0), 1),
                    Shape::AddOne => batch.add(key(0, 0), 1),
                };
                store.commit(batch, ()).await.is_ok()
            }
        };
        self.run(writers, commit).await
    }

    /// Operations per second of this many writers, each of which begins the next when the last is done.
    async fn run<F, R>(&self, writers: u64, operate: F) -> f64
    where
        F: Fn(u64, u64) -> R + Clone + Send + 'static,
        R: Future<Output = bool> + Send,
    {
        let done = Arc::new(AtomicU64::new(0));
        let start = self.env.monotonic();
        let end = start + self.span;
        let tasks = (0..writers).map(|writer| {
            let (operate, done, env) = (operate.clone(), Arc::clone(&done), Arc::clone(&self.env));
            let run = async move {
                let mut nth = 0;
                while env.monotonic() < end && operate(writer, nth).await {
                    nth += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            };
            self.env.spawn("writer", Box::pin(run))
        });
        for task in tasks.collect::<Vec<_>>() {
            let _ = task.join().await;
        }
        done.load(Ordering::Relaxed) as f64 / (self.env.monotonic() - start).as_secs_f64()
    }
}

impl Folder {
    fn new(parent: &Path, env: &dyn Env) -> std::io::Result<Folder> {
        let folder = parent.join(format!("eddy-bench-{}", Id::random(env)));
        std::fs::create_dir(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key(writer: u64, nth: u64) -> Key {
    SPACE.key().u64(writer).cell().u64(nth).key()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
