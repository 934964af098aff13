//! Durable commits per second, beside the floor that the disk itself sets.
//!
//! Prints one JSON object a line, first how long an empty folder takes to open. `floor`: as many writers hand 256-byte records to one thread that appends all that
//! wait and syncs once per group. `commit`: the same writers, each committing one 256-byte row of its own. `one_row`:
//! 64 writers that add to one counter, beside 64 with a counter each (`own_rows`). The two of a line take turns, so
//! that a slow moment of the disk hits both; rates and `ratio` are medians, the latter of the ratios of the turns.
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

/// As in the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPACE: Space = Space::new(b'b', "bench");
const VALUE_BYTES: usize = 256;
const WRITERS: [u64; 4] = [1, 16, 64, 256];
const TURNS: usize = 11;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the numbers are what it is for")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(0.5), |text| text.parse())?;
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let env: Arc<dyn Env> = Arc::new(System::default());
    let folder = Folder::new(&parent, &*env)?;
    let begin = env.monotonic();
    let options = Options { spaces: vec![SPACE], ..Options::new(folder.0.join("store"), Arc::clone(&env)) };
    let store = Store::open(options)?;
    let open_ms = (env.monotonic() - begin).as_secs_f64() * 1000.0;
    println!(r#"{{"open_empty_ms":{open_ms:.1},"rss_anon_kib":{}}}"#, rss_anon_kib()?);
    let bench = Bench { span: Duration::from_secs_f64(seconds), env, store, folder };
    for writers in WRITERS {
        let floor = Floor::new(&bench.folder.0)?;
        let mut turns = Vec::new();
        for _ in 0..TURNS {
            turns.push((bench.floor(&floor, writers).await, bench.commits(writers, Shape::Put).await));
        }
        floor.end()?;
        let [floor, commit, ratio] = medians(&turns);
        println!(
            r#"{{"writers":{writers},"floor_per_s":{floor:.0},"commit_per_s":{commit:.0},"ratio":{ratio:.2}}}"#
        );
    }
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        turns.push((bench.commits(64, Shape::AddOwn).await, bench.commits(64, Shape::AddOne).await));
    }
    let [own, one, ratio] = medians(&turns);
    println!(r#"{{"writers":64,"own_rows_per_s":{own:.0},"one_row_per_s":{one:.0},"ratio":{ratio:.2}}}"#);
    println!(r#"{{"rss_anon_kib":{}}}"#, rss_anon_kib()?);
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

/// Memory of this process that is backed by no file.
fn rss_anon_kib() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

/// Of the first rates, of the second, and of the second over the first.
fn medians(turns: &[(f64, f64)]) -> [f64; 3] {
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = turns.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    [median(|turn| turn.0), median(|turn| turn.1), median(|turn| turn.1 / turn.0)]
}
