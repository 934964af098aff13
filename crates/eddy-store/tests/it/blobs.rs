//! Blobs: written in pieces, read in ranges, counted.

use bytes::Bytes;
use eddy_store::{Batch, BlobId, Error, Store, testing};

use crate::{THINGS, key};

async fn write(store: &Store, pieces: &[&[u8]]) -> BlobId {
    let mut writer = store.blobs().create().unwrap();
    for piece in pieces {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn read(store: &Store, id: BlobId, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut reader = store.blobs().read(id, range);
    let mut bytes = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

#[tokio::test]
async fn ranges_come_back() {
    let store = testing::open([THINGS], []);
    let body: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    let id = write(&store, &[&body[..10], &body[10..700_000], &body[700_000..]]).await;
    for range in [0..body.len(), 0..1, 262_143..262_145, 999_999..1_000_003, 5..5] {
        let bytes = read(&store, id, range.start as u64..range.end as u64).await;
        assert!(bytes == body[range.clone()], "{range:?}");
    }
    assert!(read(&store, write(&store, &[]).await, 0..0).await.is_empty());
}

#[tokio::test]
async fn a_blob_past_its_end_is_an_error() {
    let store = testing::open([THINGS], []);
    let id = write(&store, &[b"short"]).await;
    let result = store.blobs().read(id, 0..6).next().await;
    assert!(matches!(result, Err(Error::Fatal(_))), "{result:?}");
}

#[tokio::test]
async fn holds_are_counted_in_one_cell() {
    let store = testing::open([THINGS], []);
    let id = write(&store, &[b"body"]).await;
    let commit = async |fill: &dyn Fn(&mut Batch) -> &mut Batch| {
        let mut batch = Batch::new();
        fill(&mut batch);
        store.commit(batch, ()).await
    };
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
async fn a_discarded_blob_is_gone() {
    let store = testing::open([THINGS], []);
    let id = write(&store, &[b"body"]).await;
    store.blobs().discard(id).await;
    let result = store.blobs().read(id, 0..4).next().await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
}
