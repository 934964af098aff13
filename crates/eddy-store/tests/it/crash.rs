//! kill -9 under load, in rounds on one folder, held against the ledger of what was acknowledged.
//!
//! The victim is this very test binary, started again to run only [`victim`] on the folder that a variable names.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use eddy_base::env::blocking;
use eddy_base::{Env, System};
use eddy_store::{BlobId, Key, Log, Retention, Store};

use crate::{THINGS, batch, open, read_blob, write_blob};

const FOLDER: &str = "EDDY_STORE_CRASH_FOLDER";
/// One client does so many steps and ends; without it many go on until they are killed.
const STEPS: &str = "EDDY_STORE_CRASH_STEPS";
const ROUNDS: usize = 20;
const TASKS: u64 = 16;

/// Each task of the victim has a cell of its own.
fn row(task: u64, name: &str, n: u64) -> Key {
    THINGS.key().u64(task).cell().text(name).u64(n).key()
}

fn log(task: u64) -> Log {
    let retention = if task.is_multiple_of(2) { Retention::Week } else { Retention::Forever };
    Log { key: row(task, "log", 0), retention }
}

/// A step writes a row, a record and a counter, removes the row of ten steps before, and every eighth has a blob.
async fn step(store: &Store, task: u64, n: u64) {
    let blob =
        if n.is_multiple_of(8) { Some(write_blob(store, &[&n.to_be_bytes()]).await.unwrap()) } else { None };
    let mut batch = batch(|b| b.put(row(task, "row", n), n.to_be_bytes().to_vec()).add(row(task, "n", 0), 1));
    if n >= 10 {
        batch.delete(row(task, "row", n - 10));
    }
    if let Some(blob) = blob {
        batch.hold(blob, row(task, "blob", n)).put(row(task, "blob", n), blob.as_bytes().to_vec());
    }
    batch.append(log(task), n.to_be_bytes().to_vec());
    store.commit(batch, ()).await.unwrap();
}

/// Not a test by itself: works and says what was acknowledged, until it is killed. Run as a test it has no folder.
#[test]
fn victim() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let steps: Option<u64> = std::env::var(STEPS).ok().map(|text| text.parse().unwrap());
    let tasks = if steps.is_some() { 1 } else { TASKS };
    runtime.block_on(async {
        let store = open(Path::new(&folder)).unwrap();
        let tasks = (0..tasks).map(|task| {
            let store = store.clone();
            let work = async move {
                let snapshot = store.snapshot();
                let first = snapshot.counter(&row(task, "n", 0)).unwrap() as u64;
                for n in first..steps.unwrap_or(u64::MAX) {
                    step(&store, task, n).await;
                    // One write each, so that a line is whole or absent.
                    std::io::stderr().write_all(format!("acknowledged {task} {n}\n").as_bytes()).unwrap();
                }
            };
            System::default().spawn("work", Box::pin(work))
        });
        for task in tasks.collect::<Vec<_>>() {
            task.join().await.unwrap();
        }
    });
}

/// Under the eyes of strace: no step is acknowledged before its blob, the blob's folder and its group are synced.
#[test]
fn nothing_is_said_before_it_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let traced = Command::new("strace")
        .args(["-f", "-y", "-qq", "-e", "trace=write,pwrite64,fdatasync,fsync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim", "--nocapture"])
        .env(FOLDER, folder.path().join("data"))
        .env(STEPS, "17")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match traced {
        Ok(status) => assert!(status.success(), "the victim failed under strace"),
        Err(error) => {
            return println!("skipped: strace does not run here ({error}); install it to test this");
        }
    }
    let trace = std::fs::read_to_string(trace).unwrap();
    let mut order = Order::default();
    trace.lines().for_each(|line| order.see(line));
    assert_eq!(order.acknowledged, 17);
}

/// What has been written and not synced yet, as the trace of one client's steps goes by.
#[derive(Default)]
struct Order {
    journal: bool,
    blob: bool,
    folder: bool,
    acknowledged: usize,
}

impl Order {
    fn see(&mut self, line: &str) {
        // A call that is interrupted by another thread is resumed on a line of its own, without its file; it counts
        // from its beginning, which errs to the strict side for writes. Syncs are counted when they are over.
        let is_over = !line.contains("unfinished");
        let is_sync = line.contains(" fdatasync(") || line.contains(" fsync(");
        let is_write = line.contains(" write(") || line.contains(" pwrite64(");
        match (is_write, is_sync && is_over) {
            (true, _) if line.contains("acknowledged ") => {
                assert!(!self.journal && !self.blob && !self.folder, "said too early: {line}");
                self.acknowledged += 1;
            }
            (true, _) if line.contains(".jnl>") => self.journal = true,
            (true, _) if line.contains("/blobs/") => (self.blob, self.folder) = (true, true),
            (_, true) if line.contains(".jnl>") => {
                assert!(!self.blob && !self.folder, "the row is synced before its blob: {line}");
                self.journal = false;
            }
            (_, true) if is_blob_file(line) => self.blob = false,
            (_, true) if line.contains("/blobs/") => self.folder = false,
            (..) => {}
        }
    }
}

/// Whether the file of a call is a blob, and not a folder of blobs: its name has 32 digits.
fn is_blob_file(line: &str) -> bool {
    let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
    path.contains("/blobs/") && path.rsplit('/').next().is_some_and(|name| name.len() == 32)
}

/// Kills the victim when dropped, so that a failed test leaves none.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path) -> Victim {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Victim(child.unwrap())
}

/// Lets the victim acknowledge so many steps, kills it, and gives all that it acknowledged.
fn kill_after(folder: &Path, steps: usize) -> BTreeSet<(u64, u64)> {
    let mut victim = start(folder);
    let mut lines = BufReader::new(victim.0.stderr.take().unwrap()).lines();
    let mut ledger = BTreeSet::new();
    let mut note = |line: String| {
        let numbers = line.strip_prefix("acknowledged ").expect(&line);
        let (task, n) = numbers.split_once(' ').unwrap();
        ledger.insert((task.parse().unwrap(), n.parse().unwrap()));
    };
    lines.by_ref().take(steps).for_each(|line| note(line.unwrap()));
    victim.0.kill().unwrap();
    victim.0.wait().unwrap();
    // What was said before the end is in the pipe; the last line may be cut.
    lines.map_while(Result::ok).filter(|line| line.split(' ').count() == 3).for_each(&mut note);
    ledger
}

/// How many steps a task has done; panics when one is there in part.
async fn check(store: &Store, task: u64) -> u64 {
    let snapshot = store.snapshot();
    let done = snapshot.counter(&row(task, "n", 0)).unwrap() as u64;
    assert_eq!(snapshot.head(&log(task)).unwrap(), done, "task {task}: as many records as steps");
    let records = snapshot.read(&log(task), 0, usize::MAX, usize::MAX).unwrap();
    assert!(records.iter().map(|record| &record.value[..]).eq((0..done).map(u64::to_be_bytes)));
    for n in done.saturating_sub(12)..done + 2 {
        let there = snapshot.get(&row(task, "row", n)).unwrap().is_some();
        assert_eq!(there, n < done && n + 10 >= done, "task {task}: row {n} of {done}");
    }
    for n in (0..done).step_by(8) {
        let id = snapshot.get(&row(task, "blob", n)).unwrap().expect("a step has its blob").value;
        let id = BlobId::from_bytes(id[..].try_into().unwrap());
        assert_eq!(read_blob(store, id, 0..8).await.unwrap(), n.to_be_bytes(), "a row names a whole blob");
    }
    done
}

/// A first start that is killed at any point of it leaves a folder that opens.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_may_be_cut_short_anywhere() {
    for point in [
        "lock",
        "mark",
        "rows/0.jnl",
        "rows/version",
        "rows/keyspaces/0",
        "rows/keyspaces/0/current",
        "rows/keyspaces/1",
        "rows/keyspaces/1/current",
        "format.new",
        "format",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut victim = start(folder.path());
        let at = folder.path().join(point);
        // The draft of the format is gone when the format is there.
        while !at.exists() && !folder.path().join("format").exists() {
            std::thread::yield_now();
        }
        victim.0.kill().unwrap();
        victim.0.wait().unwrap();
        let store = open(folder.path()).unwrap_or_else(|error| panic!("killed at {point}: {error}"));
        step(&store, 0, store.snapshot().counter(&row(0, "n", 0)).unwrap() as u64).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut random = [0; ROUNDS];
    let env: Arc<dyn Env> = Arc::new(System::default());
    env.fill_random(&mut random);
    let mut acknowledged = 0;
    for steps in random {
        let place = Arc::clone(&folder);
        let kill = move || kill_after(place.path(), usize::from(steps) * 4 + 1);
        let ledger = blocking(&env, kill).await.unwrap();
        let store = open(folder.path()).unwrap();
        for task in 0..TASKS {
            let done = check(&store, task).await;
            let last = ledger.iter().filter(|(of, _)| *of == task).map(|(_, n)| n + 1).max().unwrap_or(0);
            assert!(done >= last, "task {task}: {last} steps were acknowledged, {done} are there");
        }
        acknowledged += ledger.len();
        store.close().await;
    }
    println!("{ROUNDS} rounds, {acknowledged} acknowledged, none lost");
}
