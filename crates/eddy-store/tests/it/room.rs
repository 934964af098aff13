//! A small disk, filled: refusals while there is still room, deletions that make some, and the same store goes on.

use std::path::Path;

use eddy_store::{Batch, Error, Log, Options, Retention, RoomMarks, Store};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::{batch, key, options, read_blob, write_blob};

const MIB: u64 = 1024 * 1024;

/// A file system of 192 MiB, which goes when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where mounting is not allowed.
    #[expect(clippy::print_stdout, reason = "a skipped test says why")]
    fn new() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let size = c"size=192m,mode=0700";
        match mount("eddy-test", folder.path(), "tmpfs", MountFlags::empty(), size) {
            Ok(()) => Some(SmallDisk(folder)),
            Err(error) => {
                println!("skipped: a small disk cannot be mounted here ({error}); run as root to test this");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

fn open(disk: &SmallDisk) -> Store {
    let room = Some(RoomMarks { grow_bytes: 64 * MIB, any_bytes: 32 * MIB, ballast_bytes: 8 * MIB });
    Store::open(Options { room, ..options(&disk.path().join("data")) }).unwrap()
}

#[tokio::test]
async fn a_full_disk_refuses_growth_and_recovers_by_deletion() {
    let Some(disk) = SmallDisk::new() else { return };
    let store = open(&disk);
    let body = vec![7; 4 * MIB as usize];
    let mut blobs = Vec::new();
    let refused = loop {
        match write_blob(&store, &[&body]).await {
            Ok(blob) => {
                let name = key(&blobs.len().to_string());
                let put = batch(|b| b.hold(blob, key("home")).put(name, blob.as_bytes().to_vec()));
                if let Err(error) = store.commit(put, ()).await {
                    store.blobs().discard(blob).await;
                    break error;
                }
                blobs.push(blob);
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::NoRoom), "{refused:?}");
    assert!(blobs.len() > 10, "the disk took {} blobs", blobs.len());
    // What is left above the mark is less than a blob; rows fit in there.
    let filler = vec![7; 32 * 1024];
    let refused = loop {
        if let Err(error) = store.commit(batch(|b| b.put(key("filler"), filler.clone())), ()).await {
            break error;
        }
    };
    assert!(matches!(refused, Error::NoRoom), "{refused:?}");
    for blob in &blobs {
        assert!(read_blob(&store, *blob, 0..4 * MIB).await.unwrap() == body);
    }
    store.commit(batch(|b| b.present(key("0"))), ()).await.expect("reading is always possible");

    for (n, blob) in blobs.iter().enumerate().take(8) {
        let delete =
            batch(|b| b.release(*blob, key("home")).delete(key(&n.to_string())).put(key("log"), "gone"));
        store.commit(delete, ()).await.expect("what makes room passes");
    }
    while let Err(error) = store.commit(batch(|b| b.put(key("more"), "")), ()).await {
        assert!(matches!(error, Error::NoRoom), "{error:?}");
        tokio::task::yield_now().await;
    }
    store.close().await;
    let store = open(&disk);
    for blob in &blobs[8..] {
        assert!(read_blob(&store, *blob, 0..4 * MIB).await.unwrap() == body);
    }
    store.close().await;
}

fn log() -> Log {
    Log { key: key("events"), retention: Retention::Week }
}

fn event(batch: &mut Batch, bytes: usize) -> &mut Batch {
    batch.append(log(), vec![7; bytes]);
    batch
}

/// What is let through when little is left: what takes away more than it writes.
#[tokio::test]
async fn only_what_makes_room_passes_when_little_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).unwrap();
    let blob = write_blob(&store, &[&[7; 70_000]]).await.unwrap();
    let row = vec![7; 400];
    let fill = batch(|b| {
        for name in ["small", "other", "third"] {
            b.put(key(name), row.clone());
        }
        event(b, 5).hold(blob, key("home")).hold(blob, key("home"))
    });
    store.commit(fill, ()).await.unwrap();
    store.close().await;

    let room = Some(RoomMarks { grow_bytes: u64::MAX, any_bytes: 0, ballast_bytes: 0 });
    let store = Store::open(Options { room, ..options(folder.path()) }).unwrap();
    let cases = [
        ("a smaller row in place of another", false, batch(|b| b.put(key("small"), ""))),
        (
            "an object over another, beside the deletion of tags that are not there",
            false,
            batch(|b| b.delete(key("tags")).put(key("small"), row.clone())),
        ),
        ("more than goes", false, batch(|b| b.delete(key("small")).put(key("new"), vec![7; 500]))),
        ("nothing", true, batch(|b| b.present(key("small")))),
        ("the deletion of what is not there", false, batch(|b| b.delete(key("absent")))),
        ("the release of one hold of two", false, batch(|b| b.release(blob, key("home")))),
        (
            "that, beside the deletion of a row",
            true,
            batch(|b| b.release(blob, key("home")).delete(key("other")).put(key("gone"), "")),
        ),
        (
            "the release of the other, for a small row",
            true,
            batch(|b| b.release(blob, key("home")).put(key("small"), row)),
        ),
        (
            "a deletion with an event that is larger than the row",
            true,
            batch(|b| event(b.delete(key("small")), 10_000)),
        ),
        ("a deletion with a large event", false, batch(|b| event(b.delete(key("third")), 20_000))),
        ("a truncation that hides nothing", false, batch(|b| b.truncate(log(), 0))),
        ("a truncation", true, batch(|b| b.truncate(log(), 1))),
    ];
    for (what, passes, batch) in cases {
        let answer = store.commit(batch, ()).await;
        let is_refused = matches!(answer, Err(Error::NoRoom));
        assert!(answer.is_ok() || is_refused, "{what}: {answer:?}");
        assert_eq!(answer.is_ok(), passes, "{what}");
    }
    store.close().await;
}

#[tokio::test]
async fn rows_alone_can_fill_and_free_a_disk() {
    let Some(disk) = SmallDisk::new() else { return };
    let store = open(&disk);
    let mut random = vec![0; 60 * 1024];
    let mut rows = 0;
    let refused = loop {
        // Not to be compressed away.
        store.env().fill_random(&mut random);
        match store.commit(batch(|b| b.put(key(&rows.to_string()), random.clone())), ()).await {
            Ok(_) => rows += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::NoRoom), "{refused:?}");
    for n in 0..rows {
        store.commit(batch(|b| b.delete(key(&n.to_string()))), ()).await.expect("what makes room passes");
    }
    while let Err(error) = store.commit(batch(|b| b.put(key("more"), "")), ()).await {
        assert!(matches!(error, Error::NoRoom), "{error:?}");
        tokio::task::yield_now().await;
    }
    store.close().await;
}
