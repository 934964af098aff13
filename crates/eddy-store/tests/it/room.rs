//! A small disk, filled: refusals while there is still room, deletions that make some, and the same store goes on.

use std::path::Path;

use eddy_store::{Error, Options, RoomMarks, Store};
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
