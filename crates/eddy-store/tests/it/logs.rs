//! Logs: dense offsets, pages, truncation, retention.

use std::sync::Arc;
use std::time::Duration;

use eddy_base::Timestamp;
use eddy_store::{Batch, Log, Options, Retention, Store, Topic, testing};

use crate::{Moved, THINGS, key, open, options};

fn log(name: &str, retention: Retention) -> Log {
    Log { key: THINGS.key().text("log").cell().text(name).key(), retention }
}

#[tokio::test]
async fn offsets_are_dense_and_pages_bounded() {
    let store = testing::open([THINGS], []);
    let (a, b) = (log("a", Retention::Day), log("b", Retention::Forever));
    let mut watch = store.watch(Topic::of_log(&a));
    let mut batch = Batch::new();
    batch.put(key("row"), "1");
    let first = batch.append(a.clone(), "a0");
    let second = batch.append(b.clone(), "b0");
    let third = batch.append(a.clone(), "a1");
    let committed = store.commit(batch, ()).await.unwrap().into_parts().1;
    assert_eq!([first, second, third].map(|appended| committed.offset(appended)), [0, 0, 1]);
    watch.changed().await;

    let mut batch = Batch::new();
    for n in 2..10 {
        batch.append(a.clone(), format!("a{n}"));
    }
    assert_eq!(store.commit(batch, ()).await.unwrap().committed().offsets, (2..10).collect::<Vec<_>>());

    let snapshot = store.snapshot();
    assert_eq!((snapshot.head(&a).unwrap(), snapshot.tail(&a).unwrap()), (10, 0));
    assert_eq!((snapshot.head(&b).unwrap(), snapshot.tail(&b).unwrap()), (1, 0));
    let page = |from, records, bytes| -> Vec<u64> {
        snapshot.read(&a, from, records, bytes).unwrap().iter().map(|record| record.offset).collect()
    };
    assert_eq!(page(0, 100, 1000), (0..10).collect::<Vec<_>>());
    assert_eq!(page(4, 3, 1000), [4, 5, 6]);
    assert_eq!(page(4, 100, 5), [4, 5], "two bytes each");
    assert_eq!(page(4, 100, 1), [4], "the first comes in any case");
    assert!(page(10, 100, 1000).is_empty());
    let record = &snapshot.read(&a, 3, 1, 1000).unwrap()[0];
    assert_eq!(record.value, "a3");
    assert!(snapshot.read(&log("none", Retention::Day), 0, 9, 9).unwrap().is_empty());
}

#[tokio::test]
async fn a_truncated_log_keeps_its_offsets() {
    let store = testing::open([THINGS], []);
    let log = log("a", Retention::Week);
    let mut batch = Batch::new();
    for n in 0..5 {
        batch.append(log.clone(), vec![n]);
    }
    store.commit(batch, ()).await.unwrap();
    let mut batch = Batch::new();
    batch.truncate(log.clone(), 3);
    store.commit(batch, ()).await.unwrap();
    let snapshot = store.snapshot();
    assert_eq!((snapshot.head(&log).unwrap(), snapshot.tail(&log).unwrap()), (5, 3));
    let offsets: Vec<u64> = snapshot.read(&log, 0, 9, 99).unwrap().iter().map(|r| r.offset).collect();
    assert_eq!(offsets, [3, 4]);
}

#[tokio::test]
async fn a_log_may_change_its_retention() {
    let store = testing::open([THINGS], []);
    for (n, retention) in [Retention::Day, Retention::Year, Retention::Day].into_iter().enumerate() {
        let mut batch = Batch::new();
        batch.append(log("a", retention), vec![n as u8]);
        store.commit(batch, ()).await.unwrap();
    }
    let records = store.snapshot().read(&log("a", Retention::Week), 0, 9, 99).unwrap();
    assert_eq!(records.iter().map(|record| record.value[0]).collect::<Vec<_>>(), [0, 1, 2]);
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn append(store: &Store, log: &Log, values: std::ops::Range<u8>) {
    let mut batch = Batch::new();
    for value in values {
        batch.append(log.clone(), vec![value]);
    }
    store.commit(batch, ()).await.unwrap();
}

fn values(store: &Store, log: &Log) -> Vec<u8> {
    store.snapshot().read(log, 0, 99, 999).unwrap().iter().map(|record| record.value[0]).collect()
}

#[tokio::test]
async fn records_go_when_their_time_is_over() {
    let env = Arc::new(Moved::default());
    let store = testing::open_in(env.clone(), [THINGS], []);
    let (week, forever) = (log("week", Retention::Week), log("forever", Retention::Forever));
    for day in 0..10 {
        append(&store, &week, day..day + 1).await;
        append(&store, &forever, day..day + 1).await;
        env.forward(DAY);
    }
    env.forward(HOUR);
    assert_eq!(values(&store, &week), [4, 5, 6, 7, 8, 9], "days 0 to 3 are more than a week ago");
    let snapshot = store.snapshot();
    assert_eq!(snapshot.tail(&week).unwrap(), 4);
    assert_eq!(snapshot.head(&week).unwrap(), 10);
    assert_eq!(values(&store, &forever), (0..10).collect::<Vec<_>>());
    env.forward(DAY * 30);
    assert!(values(&store, &week).is_empty(), "hidden before anything is dropped");
    append(&store, &week, 77..78).await;
    let snapshot = store.snapshot();
    assert_eq!((snapshot.tail(&week).unwrap(), snapshot.head(&week).unwrap()), (10, 11));
    assert_eq!(values(&store, &week), [77]);
}

#[tokio::test]
async fn records_of_one_segment_are_hidden_one_by_one() {
    let env = Arc::new(Moved::default());
    let store = testing::open_in(env.clone(), [THINGS], []);
    let log = log("year", Retention::Year);
    for value in 0..20 {
        append(&store, &log, value..value + 1).await;
        env.forward(DAY / 2);
    }
    env.forward(DAY * (365 - 6) + HOUR);
    let tail = store.snapshot().tail(&log).unwrap();
    assert_eq!(tail, 9, "what was written in the first four days is more than a year old");
    assert_eq!(values(&store, &log), (9..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_clock_that_steps_back_does_not_disturb_the_order() {
    let env = Arc::new(Moved::default());
    let store = testing::open_in(env.clone(), [THINGS], []);
    let log = log("day", Retention::Day);
    env.forward(DAY * 2);
    append(&store, &log, 0..2).await;
    env.forward(DAY * 3);
    append(&store, &log, 2..4).await;
    assert_eq!(values(&store, &log), [2, 3]);
    append(&store, &log, 4..6).await;
    let records = store.snapshot().read(&log, 2, 99, 999).unwrap();
    assert!(records.is_sorted_by_key(|record| record.at));
}

#[tokio::test]
async fn truncated_records_that_are_kept_for_ever_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let log = log("forever", Retention::Forever);
    for _ in 0..15 {
        append(&store, &log, 0..200).await;
    }
    let mut batch = Batch::new();
    batch.truncate(log.clone(), 2500);
    store.commit(batch, ()).await.unwrap();
    assert_eq!(store.snapshot().tail(&log).unwrap(), 2500);
    // The housekeeping may be cut short here; the next start goes on.
    store.close().await;
    let store = open(folder.path()).unwrap();
    let records = store.snapshot().read(&log, 0, 9999, 9999).unwrap();
    assert_eq!(records.len(), 500);
    assert_eq!(records[0].offset, 2500);
    let mut batch = Batch::new();
    batch.truncate(log.clone(), 9999);
    store.commit(batch, ()).await.unwrap();
    let snapshot = store.snapshot();
    assert_eq!((snapshot.tail(&log).unwrap(), snapshot.head(&log).unwrap()), (3000, 3000));
}

/// The folders of key spaces that the engine keeps.
fn key_spaces(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder.join("rows/keyspaces")).unwrap().count()
}

#[tokio::test]
async fn the_next_segment_is_made_while_nothing_is_to_be_committed() {
    let folder = tempfile::tempdir().unwrap();
    let env = Arc::new(Moved::default());
    env.set(Timestamp::from_seconds(20_000 * 86_400 + 43_200));
    let open = || Store::open(Options { env: env.clone(), ..options(folder.path()) }).unwrap();
    let store = open();
    let log = log("day", Retention::Day);
    let before = key_spaces(folder.path());
    append(&store, &log, 0..1).await;
    while key_spaces(folder.path()) < before + 2 {
        tokio::task::yield_now().await;
    }
    store.close().await;
    // One that was made ahead takes no records before its time, however often the store is opened.
    for value in 1..4 {
        let store = open();
        append(&store, &log, value..value + 1).await;
        store.close().await;
        assert_eq!(key_spaces(folder.path()), before + 2);
    }
    env.forward(HOUR * 13);
    let store = open();
    append(&store, &log, 4..5).await;
    assert_eq!(values(&store, &log), [0, 1, 2, 3, 4]);
    store.close().await;
}
