//! A disk that fails: what the client is told, and what is there after a restart.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eddy_base::{Env, System};
use eddy_store::testing::{Disk, Fault, faulty};
use eddy_store::{EngineKind, Error, Log, OpenError, Options, Retention, Store};

use crate::{Moved, THINGS, batch, key, write_blob};

const STEPS: usize = 6;

fn log() -> Log {
    Log { key: key("log"), retention: Retention::Week }
}

fn reopen(disk: &Disk) -> Result<Store, OpenError> {
    faulty(disk, Arc::new(Moved::default()), [THINGS], [])
}

/// One step of a client's work: a row, a record, a counter and now and then a blob, in one batch.
async fn step(store: &Store, n: usize) -> Result<(), Error> {
    let blob = if n.is_multiple_of(2) { Some(write_blob(store, &[b"body"]).await?) } else { None };
    let mut batch = batch(|b| b.absent(key(&n.to_string())).put(key(&n.to_string()), "").add(key("n"), 1));
    batch.append(log(), n.to_string());
    if let Some(blob) = blob {
        batch.hold(blob, key("home")).put(key(&format!("blob {n}")), blob.as_bytes().to_vec());
    }
    store.commit(batch, ()).await.map(drop)
}

/// Which steps are there; panics when one is there in part.
fn kept(store: &Store, disk: &Disk) -> Vec<usize> {
    let snapshot = store.snapshot();
    let records = snapshot.read(&log(), 0, 99, 999).unwrap();
    let there = |n: &usize| {
        let row = snapshot.get(&key(&n.to_string())).unwrap().is_some();
        let record = records.iter().any(|record| record.value == n.to_string());
        let blob = snapshot.get(&key(&format!("blob {n}"))).unwrap();
        assert_eq!(row, record, "step {n} is there in part");
        assert_eq!(row && n.is_multiple_of(2), blob.is_some(), "step {n} is there in part");
        if let Some(blob) = blob {
            assert!(disk.blobs().iter().any(|id| id.as_bytes()[..] == blob.value), "a row names a lost blob");
        }
        row
    };
    let steps: Vec<usize> = (0..STEPS).filter(there).collect();
    assert_eq!(snapshot.counter(&key("n")).unwrap(), steps.len() as i64);
    steps
}

/// Runs the work with one fault; gives what was acknowledged. None when the store did not open.
async fn run(disk: &Disk) -> Option<Vec<usize>> {
    let store = reopen(disk).ok()?;
    let mut acknowledged = Vec::new();
    let mut failed = false;
    for n in 0..STEPS {
        match step(&store, n).await {
            Ok(()) => {
                assert!(!failed, "a store that failed went on");
                acknowledged.push(n);
            }
            Err(Error::Fatal(_)) => failed = true,
            // A blob that could not be written fails its own request only.
            Err(Error::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    store.close().await;
    Some(acknowledged)
}

#[tokio::test]
async fn failing_each_operation_in_turn_loses_nothing() {
    for fault in [Fault::Fail, Fault::FailLate] {
        for nth in 1.. {
            let disk = Disk::new();
            disk.inject(nth, fault);
            let acknowledged = run(&disk).await;
            if disk.has_faults() {
                assert!(nth > STEPS as u64, "the faults have been met");
                break;
            }
            disk.crash();
            let store = reopen(&disk).unwrap();
            let kept = kept(&store, &disk);
            for n in acknowledged.unwrap_or_default() {
                assert!(kept.contains(&n), "{fault:?} at {nth}: step {n} was acknowledged and is lost");
            }
        }
    }
}

#[tokio::test]
async fn a_failed_store_takes_no_more_and_says_so_once() {
    let disk = Disk::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let store = Store::open(Options {
        spaces: vec![THINGS],
        engine: EngineKind::Memory(disk.clone()),
        on_fatal: Arc::new(move |reason| hook.lock().unwrap().push(reason.to_string())),
        ..Options::new("memory", Arc::new(Moved::default()))
    })
    .unwrap();
    step(&store, 1).await.unwrap();
    disk.inject(disk.operations() + 1, Fault::Fail);
    for _ in 0..3 {
        assert!(matches!(step(&store, 3).await, Err(Error::Fatal(_))));
    }
    assert_eq!(*told.lock().unwrap(), ["the disk failed on demand"]);
    assert_eq!(kept(&store, &disk), [1], "what is on disk can still be read");
}

#[tokio::test]
async fn a_disk_that_lied_is_found_out() {
    let disk = Disk::new();
    let store = reopen(&disk).unwrap();
    step(&store, 1).await.unwrap();
    disk.inject(disk.operations() + 1, Fault::Lie);
    step(&store, 3).await.unwrap();
    step(&store, 2).await.unwrap();
    disk.crash();
    assert!(matches!(step(&store, 5).await, Err(Error::Fatal(_))), "the crash ended the store");
    drop(store);
    let refused = reopen(&disk).unwrap_err().to_string();
    assert!(refused.contains("were acknowledged and are missing"), "{refused}");
    let accepting = Options {
        spaces: vec![THINGS],
        engine: EngineKind::Memory(disk.clone()),
        accept_loss: true,
        ..Options::new("memory", Arc::new(Moved::default()))
    };
    assert_eq!(kept(&Store::open(accepting).unwrap(), &disk), [1]);
}

/// Clients beside one another on a simulated disk: what they do, and what the disk becomes, hangs on the seed alone.
async fn simulated(seed: u64) -> (u64, Vec<String>) {
    let disk = Disk::new();
    let store = faulty(&disk, Arc::new(Moved::seeded(seed)), [THINGS], []).unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let clients = (0..8).map(|client| {
        let (mine, lines) = (store.clone(), Arc::clone(&lines));
        let work = async move {
            for n in 0..6 {
                let mut random = [0];
                mine.env().fill_random(&mut random);
                let step = step(&mine, usize::from(random[0] % 32)).await;
                lines.lock().unwrap().push(format!("{client} {n} {}", step.is_ok()));
            }
        };
        store.env().spawn("client", Box::pin(work))
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().await.unwrap();
    }
    store.close().await;
    let lines = lines.lock().unwrap().clone();
    (disk.hash(), lines)
}

#[tokio::test]
async fn the_same_seed_gives_the_same_store() {
    let first = simulated(1).await;
    assert_eq!(simulated(1).await, first);
    assert_ne!(simulated(2).await.0, first.0);
}

/// Answers wait for the disk, and so do refusals that rest on what is not yet on it.
#[tokio::test]
async fn nobody_is_answered_before_the_disk() {
    let disk = Disk::new();
    let env: Arc<dyn Env> = Arc::new(System::default());
    let store = faulty(&disk, Arc::clone(&env), [THINGS], []).unwrap();
    store.commit(batch(|b| b.put(key("old"), "")), ()).await.unwrap();
    let delay = Duration::from_millis(30);
    disk.inject(disk.operations() + 1, Fault::Delay(delay));
    let start = env.monotonic();
    let late = AtomicUsize::new(0);
    let create = async |name: &str| {
        let result = store.commit(batch(|b| b.absent(key(name)).put(key(name), "")), ()).await;
        late.fetch_add(usize::from(env.monotonic() - start >= delay), Ordering::SeqCst);
        result
    };
    let (first, second) = tokio::join!(create("new"), create("new"));
    assert!(first.is_ok());
    assert!(matches!(second, Err(Error::Refused(_))), "{second:?}");
    assert_eq!(late.load(Ordering::SeqCst), 2, "both waited for the disk");

    let operations = disk.operations();
    assert!(matches!(create("old").await, Err(Error::Refused(_))));
    assert_eq!(disk.operations(), operations, "a refusal by what is on disk costs no sync");
}
