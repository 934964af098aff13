//! Blobs: written in pieces, read in ranges, counted, removed with their last row.

use std::sync::Arc;

use eddy_store::testing::{Disk, faulty};
use eddy_store::{Batch, BlobId, Error, Store, testing};

use crate::{Moved, THINGS, batch, copy_folder, key, open, read_blob, write_blob};

#[tokio::test]
async fn ranges_come_back() {
    let store = testing::open([THINGS], []);
    let body: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    let id = write_blob(&store, &[&body[..10], &body[10..700_000], &body[700_000..]]).await.unwrap();
    for range in [0..body.len(), 0..1, 262_143..262_145, 999_999..1_000_003, 5..5] {
        let bytes = read_blob(&store, id, range.start as u64..range.end as u64).await.unwrap();
        assert!(bytes == body[range.clone()], "{range:?}");
    }
    let empty = write_blob(&store, &[]).await.unwrap();
    assert!(read_blob(&store, empty, 0..0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_blob_past_its_end_is_an_error() {
    let store = testing::open([THINGS], []);
    let id = write_blob(&store, &[b"short"]).await.unwrap();
    let result = read_blob(&store, id, 0..6).await;
    assert!(matches!(result, Err(Error::Fatal(_))), "{result:?}");
}

#[tokio::test]
async fn holds_are_counted_in_one_cell() {
    let store = testing::open([THINGS], []);
    let id = write_blob(&store, &[b"body"]).await.unwrap();
    let commit = async |fill: &dyn Fn(&mut Batch) -> &mut Batch| store.commit(batch(fill), ()).await;
    commit(&|batch| batch.hold(id, key("a")).put(key("a"), "row")).await.unwrap();
    commit(&|batch| batch.hold(id, key("b"))).await.unwrap();
    let stranger = THINGS.key().text("other cell").cell().key();
    let result = commit(&|batch| batch.hold(id, stranger.clone())).await;
    assert!(matches!(&result, Err(Error::Fatal(what)) if what.contains("home")), "{result:?}");
    commit(&|batch| batch.release(id, key("a"))).await.unwrap();
    commit(&|batch| batch.release(id, key("a"))).await.unwrap();
    for wrong in
        [commit(&|batch| batch.release(id, key("a"))).await, commit(&|batch| batch.hold(id, key("a"))).await]
    {
        assert!(matches!(wrong, Err(Error::Fatal(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_discarded_blob_is_gone_and_a_named_one_is_not() {
    let store = testing::open([THINGS], []);
    let (named, refused) =
        (write_blob(&store, &[b"body"]).await.unwrap(), write_blob(&store, &[b"body"]).await.unwrap());
    store.commit(batch(|b| b.hold(named, key("a"))), ()).await.unwrap();
    store.blobs().discard(named).await;
    store.blobs().discard(refused).await;
    assert_eq!(read_blob(&store, named, 0..4).await.unwrap(), b"body");
    let result = read_blob(&store, refused, 0..4).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    let late = store.commit(batch(|b| b.hold(refused, key("a"))), ()).await;
    assert!(matches!(late, Err(Error::Fatal(_))), "{late:?}");
}

/// Waits, over other tasks, until the disk holds exactly these blobs.
async fn until_left(disk: &Disk, ids: &[BlobId]) {
    let mut ids = ids.to_vec();
    ids.sort();
    while disk.blobs() != ids {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_file_goes_with_the_last_row_and_the_last_reader() {
    let disk = Disk::new();
    let store = faulty(&disk, Arc::new(Moved::default()), [THINGS], []).unwrap();
    let (read, unread) =
        (write_blob(&store, &[b"1"]).await.unwrap(), write_blob(&store, &[b"2"]).await.unwrap());
    store.commit(batch(|b| b.hold(read, key("a")).hold(unread, key("b"))), ()).await.unwrap();
    let mut reader = store.blobs().read(read, 0..1);
    store.commit(batch(|b| b.release(read, key("a")).release(unread, key("b"))), ()).await.unwrap();
    until_left(&disk, &[read]).await;
    assert_eq!(reader.next().await.unwrap().unwrap(), "1");
    drop(reader);
    until_left(&disk, &[]).await;
}

/// Blobs in every state that a crash can meet.
async fn leftovers(store: &Store) -> [BlobId; 2] {
    let (kept, unnamed, released) = (
        write_blob(store, &[b"kept"]).await.unwrap(),
        write_blob(store, &[b"unnamed"]).await.unwrap(),
        write_blob(store, &[b"released"]).await.unwrap(),
    );
    store.commit(batch(|b| b.hold(kept, key("a")).hold(released, key("b"))), ()).await.unwrap();
    store.commit(batch(|b| b.release(released, key("b"))), ()).await.unwrap();
    [kept, unnamed]
}

#[tokio::test]
async fn after_a_crash_what_no_row_names_is_removed() {
    let disk = Disk::new();
    let env = Arc::new(Moved::default());
    let store = faulty(&disk, env.clone(), [THINGS], []).unwrap();
    let [kept, unnamed] = leftovers(&store).await;
    let mut unfinished = store.blobs().create().unwrap();
    unfinished.write("never finished".into()).await.unwrap();
    disk.crash();
    drop((unfinished, store));
    let store = faulty(&disk, env, [THINGS], []).unwrap();
    until_left(&disk, &[kept]).await;
    let late = store.commit(batch(|b| b.hold(unnamed, key("b"))), ()).await;
    assert!(matches!(late, Err(Error::Fatal(_))), "{late:?}");
}

#[tokio::test]
async fn an_unfinished_file_is_removed_with_its_folders() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let [kept, unnamed] = leftovers(&store).await;
    store.close().await;
    // The end was not clean: a finished blob had no row yet.
    let store = open(folder.path()).unwrap();
    let mut watch = store.watch(eddy_store::Topic::of_key(&key("done")));
    while read_blob(&store, unnamed, 0..1).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(read_blob(&store, kept, 0..4).await.unwrap(), b"kept");
    store.commit(batch(|b| b.release(kept, key("a")).put(key("done"), "")), ()).await.unwrap();
    watch.changed().await;
    store.close().await;
}

#[tokio::test]
async fn a_step_of_the_clock_gives_no_blob_up() {
    let disk = Disk::new();
    let env = Arc::new(Moved::default());
    let store = faulty(&disk, env.clone(), [THINGS], []).unwrap();
    let id = write_blob(&store, &[b"body"]).await.unwrap();
    env.forward(std::time::Duration::from_secs(24 * 60 * 60));
    let other = write_blob(&store, &[b"other"]).await.unwrap();
    for (blob, name) in [(id, "a"), (other, "b")] {
        store.commit(batch(|b| b.hold(blob, key(name))), ()).await.unwrap();
    }
    assert_eq!(read_blob(&store, id, 0..4).await.unwrap(), b"body");
}

#[tokio::test]
async fn a_blob_whose_writer_left_while_it_was_synced_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let mut writer = store.blobs().create().unwrap();
    writer.write("body".into()).await.unwrap();
    let id = writer.id();
    {
        let finish = writer.finish();
        tokio::pin!(finish);
        tokio::select! {
            biased;
            _ = &mut finish => {}
            () = std::future::ready(()) => {}
        }
    }
    // The disk goes on with it.
    while read_blob(&store, id, 0..4).await.is_err() {
        tokio::task::yield_now().await;
    }
    store.close().await;
    let store = open(folder.path()).unwrap();
    let gone = async {
        while read_blob(&store, id, 0..4).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a test that hangs should fail")]
    let gone = tokio::time::timeout(std::time::Duration::from_secs(20), gone).await;
    gone.expect("nobody names the blob, so the next start removes it");
    store.close().await;
}

/// A start that finds much to clear up and is ended at once leaves the rest to the next one, and nothing goes on.
#[tokio::test]
async fn an_end_cuts_a_sweep_short() {
    const LEFT: usize = 3000;
    let folders = tempfile::tempdir().unwrap();
    let (first, folder) = (folders.path().join("first"), folders.path().join("cut"));
    let store = open(&first).unwrap();
    let kept = write_blob(&store, &[&[7; 70_000]]).await.unwrap();
    store.commit(batch(|b| b.hold(kept, key("home"))), ()).await.unwrap();
    // As a power cut leaves it: the first start has not ended.
    copy_folder(&first, &folder);
    store.close().await;
    let start = format!("{kept:?}")[..8].to_owned();
    let shelf = folder.join("blobs").join(&start).join("00");
    std::fs::create_dir_all(&shelf).unwrap();
    for n in 0..LEFT {
        std::fs::write(shelf.join(format!("{start}{n:022x}00")), "").unwrap();
    }
    let left = || std::fs::read_dir(&shelf).map_or(0, Iterator::count);

    open(&folder).unwrap().close().await;
    let first_look = left();
    assert!(first_look > 0, "the end waited for all of the sweep");
    assert_eq!(left(), first_look, "it went on after the end");
    let store = open(&folder).unwrap();
    while left() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(read_blob(&store, kept, 0..4).await.unwrap(), [7; 4]);
    store.close().await;
}
