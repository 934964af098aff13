//! Logs: dense offsets, pages, truncation.

use eddy_store::{Batch, Log, Retention, Topic, testing};

use crate::{THINGS, key};

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
