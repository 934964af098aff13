//! A data folder of each format, checked in, must open and read back.
//!
//! `tests/golden/v1` was written by [`write`], with `EDDY_STORE_GOLDEN=tests/golden/v1` in the environment of a test
//! run. It is not written again: when the format changes, there is a `v2` beside it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::Timestamp;
use eddy_store::{BlobId, Log, Options, Order, Pos, Retention, Store};

use crate::{Moved, OTHERS, all, batch, copy_folder, key, open, options, read_blob, write_blob};

const TARGET: &str = "EDDY_STORE_GOLDEN";

/// When the folder was written, as its rows have it: 2026-01-01.
const WRITTEN: i64 = 1_767_225_600_000;

fn log(name: &str, retention: Retention) -> Log {
    Log { key: OTHERS.key().text("logs").cell().text(name).key(), retention }
}

fn body() -> Vec<u8> {
    (0..70_000_u32).map(|n| (n % 253) as u8).collect()
}

async fn fill(store: &Store) {
    let blob = write_blob(store, &[&body()]).await.unwrap();
    let later = Timestamp::from_millis(WRITTEN).plus(Duration::from_secs(100 * 365 * 86_400));
    let first = batch(|b| {
        b.put(key("a"), "first").put(key("b\0c"), "").add(key("n"), -7).attempt(*b"golden attempt 1");
        b.hold(blob, key("home")).put(key("blob"), blob.as_bytes().to_vec());
        b.put_until(key("gone"), "", Timestamp::from_millis(WRITTEN + 1)).put_until(key("here"), "1", later)
    });
    store.commit(first, ()).await.unwrap();
    store.commit(batch(|b| b.put(key("a"), "second").put(key("d"), "").delete(key("d"))), ()).await.unwrap();
    for n in 0..3_u8 {
        let mut batch = batch(|b| b.add(key("n"), 1));
        for retention in [Retention::Day, Retention::Year, Retention::Forever] {
            batch.append(log(&format!("{retention:?}"), retention), vec![n; 3]);
        }
        store.commit(batch, ()).await.unwrap();
    }
    store.commit(batch(|b| b.truncate(log("Forever", Retention::Forever), 1)), ()).await.unwrap();
}

async fn check(store: &Store) {
    let snapshot = store.snapshot();
    let rows = snapshot.scan(all(), Order::Forward, 99).unwrap();
    let names: Vec<String> = rows
        .iter()
        .map(|(key, _)| {
            let mut reader = key.reader();
            reader.skip_cell();
            reader.text().unwrap()
        })
        .collect();
    assert_eq!(names, ["a", "b\0c", "blob", "here", "n"]);
    let a = snapshot.get(&key("a")).unwrap().unwrap();
    assert_eq!((&a.value[..], a.pos), (&b"second"[..], Pos(3)));
    assert_eq!(snapshot.counter(&key("n")).unwrap(), -4);
    let blob = snapshot.get(&key("blob")).unwrap().unwrap().value;
    let blob = BlobId::from_bytes(blob[..].try_into().unwrap());
    assert!(read_blob(store, blob, 0..70_000).await.unwrap() == body());
    let forever = snapshot.read(&log("Forever", Retention::Forever), 0, 9, 99).unwrap();
    let told: Vec<_> = forever.iter().map(|record| (record.offset, record.value[0])).collect();
    assert_eq!(told, [(1, 1), (2, 2)]);
    assert_eq!(forever[0].at.millis() / 60_000, WRITTEN / 60_000);
    let day = log("Day", Retention::Day);
    assert_eq!((snapshot.tail(&day).unwrap(), snapshot.head(&day).unwrap()), (3, 3));
}

/// Writes the folder, when told where. Run as a test it only writes and reads a scratch one.
#[tokio::test]
async fn write() {
    let scratch = tempfile::tempdir().unwrap();
    let target = std::env::var_os(TARGET).map_or(scratch.path().join("golden"), Into::into);
    let data = scratch.path().join("data");
    let env = Arc::new(Moved::default());
    env.set(Timestamp::from_millis(WRITTEN));
    let store = Store::open(Options { env: env.clone(), ..options(&data) }).unwrap();
    fill(&store).await;
    env.forward(Duration::from_secs(10 * 86_400));
    check(&store).await;
    store.close().await;
    // Neither who had it last nor room in reserve belongs to the format; nor does room set aside in the journal.
    fs::remove_file(data.join("lock")).unwrap();
    let _ = fs::remove_file(data.join("ballast"));
    let journal = data.join("rows/0.jnl");
    let bytes = fs::read(&journal).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    fs::write(&journal, &bytes[..used]).unwrap();
    copy_folder(&data, &target);
    let store = open(&data).unwrap();
    check(&store).await;
    store.close().await;
}

#[tokio::test]
async fn version_1_opens_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1"), folder.path());
    let store = open(folder.path()).unwrap();
    check(&store).await;
    let repeat = batch(|b| b.put(key("new"), "1"));
    store.commit(repeat, ()).await.unwrap();
    store.close().await;
    let store = open(folder.path()).unwrap();
    assert!(store.snapshot().get(&key("new")).unwrap().is_some());
    assert!(store.env().now().millis() > WRITTEN);
    store.close().await;
}
