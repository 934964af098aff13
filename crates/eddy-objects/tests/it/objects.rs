use std::sync::Arc;

use eddy_objects::{Answer, Description, Kind, Put, Query, Removal, When};
use proptest::prelude::*;

use crate::house::{House, by, bytes, outcome};

#[tokio::test]
async fn bodies_of_all_sizes_come_back() {
    let house = House::with(&["bucket"]).await;
    for size in [0, 1, 4096, 4097, 65_536, 65_537, 300_000, 1_000_001] {
        let body = bytes(size, size as u64);
        let key = format!("年度 报告+{size}.txt");
        let stored = house.put("bucket", &key, body.clone()).await;
        assert_eq!(stored.value().size, size as u64);
        assert_eq!(house.read("bucket", &key).await, body, "{size}");
    }
    let house = house.reopened().await;
    assert_eq!(house.read("bucket", "年度 报告+300000.txt").await, bytes(300_000, 300_000));
}

#[tokio::test]
async fn bodies_are_encrypted_where_they_stand() {
    const SECRET: &[u8] = b"nobody reads this on the disk";
    let house = House::with(&["bucket"]).await;
    for (key, size) in [("in a row", 1000), ("in a blob", 200_000)] {
        let body: Vec<u8> = SECRET.iter().copied().cycle().take(size).collect();
        house.put("bucket", key, body).await;
    }
    let house = house.reopened().await;
    assert!(house.read("bucket", "in a blob").await.starts_with(SECRET));
    assert_eq!(house.read_range("bucket", "in a row", 29..58).await, SECRET);
    let disk = house.on_disk();
    let shown = |text: &[u8]| disk.windows(text.len()).any(|window| window == text);
    assert!(shown(b"in a blob"), "names are not encrypted, so the search finds what is there");
    assert!(!shown(SECRET));
}

#[tokio::test]
async fn an_object_keeps_what_was_said_about_it() {
    let house = House::with(&["bucket"]).await;
    let description = Description {
        content_type: Some("text/plain".into()),
        metadata: [("colour".to_owned(), "blue".to_owned())].into(),
        ..Description::default()
    };
    let tags = vec![("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())];
    let by = by();
    let put = Put {
        bucket: "bucket",
        key: "key",
        description: description.clone(),
        tags: tags.clone(),
        when: When::Always,
        kind: Kind::CreatedPut,
        by: &by,
    };
    let stored = house.objects.put(put, house.content("hello").await).await.expect("a put");
    let object = house.objects.head("bucket", "key").expect("an object").value;
    assert_eq!(object.head.etag.to_string(), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!((object.head.description, object.tags), (description, tags));
    assert_eq!((object.pos, object.head.cause), (stored.pos(), by.cause));

    house.objects.set_tags("bucket", "key", &[("c".into(), "3".into())]).await.expect("tags");
    let tagged = house.objects.head("bucket", "key").expect("an object").value;
    assert_eq!(tagged.tags, [("c".to_owned(), "3".to_owned())]);
    assert_eq!(tagged.pos, object.pos, "tags make no new object");
    house.put("bucket", "key", "other").await;
    assert_eq!(
        house.objects.tags("bucket", "key").expect("an object").value,
        [],
        "a new object has its own tags"
    );
}

#[tokio::test]
async fn what_is_overwritten_or_removed_leaves_the_disk() {
    let house = House::with(&["bucket"]).await;
    house.put("bucket", "one", bytes(100_000, 1)).await;
    house.put("bucket", "two", bytes(100_000, 2)).await;
    house.put("bucket", "one", bytes(100_000, 3)).await;
    house.objects.delete("bucket", "two", &When::Always, &by()).await.expect("a removal");
    let refused = house.put_when("bucket", "one", bytes(100_000, 4), When::Absent).await;
    assert_eq!(outcome(refused), "a condition of the request does not hold");
    let (house, blobs) = house.blobs().await;
    assert_eq!(blobs, 1);
    assert_eq!(house.read("bucket", "one").await, bytes(100_000, 3));
}

#[tokio::test]
async fn removing_nothing_changes_nothing() {
    let house = House::with(&["bucket"]).await;
    let removed = house.objects.delete("bucket", "key", &When::Always, &by()).await;
    assert!(matches!(removed, Ok(Answer::Unchanged(..))));
    house.put("bucket", "key", "x").await;
    let removed = house.objects.delete("bucket", "key", &When::Etag("other".into()), &by()).await;
    assert_eq!(outcome(removed), "a condition of the request does not hold");
    let removed = house.objects.delete("bucket", "key", &When::Present, &by()).await;
    assert!(matches!(removed, Ok(Answer::Changed(_))));
    assert_eq!(outcome(house.objects.head("bucket", "key")), "the object does not exist");
    let removed = house.objects.delete("nowhere", "key", &When::Always, &by()).await;
    assert_eq!(outcome(removed), "the bucket does not exist");
}

#[tokio::test]
async fn many_are_removed_each_for_itself() {
    let house = House::with(&["bucket"]).await;
    let keys: Vec<String> = (0..250).map(|number| format!("key-{number:03}")).collect();
    for key in keys.iter().step_by(2) {
        house.put("bucket", key, "x").await;
    }
    let mut removals: Vec<Removal> =
        keys.iter().map(|key| Removal { key: key.clone(), when: When::Always }).collect();
    removals.push(removals[0].clone());
    removals[4].when = When::Etag("other".into());
    let removed = house.objects.delete_all("bucket", &removals, &by()).await.expect("removals");
    let failed: Vec<usize> =
        removed.value().iter().enumerate().filter(|(_, result)| result.is_err()).map(|(at, _)| at).collect();
    assert_eq!(failed, [4]);
    let query = Query { max: 1000, ..Query::default() };
    let left = house.objects.list("bucket", &query).await.expect("a page").value;
    let left: Vec<String> = left.objects.into_iter().map(|object| object.key).collect();
    assert_eq!(left, ["key-004"]);
}

/// Many writers that each want to be the first: one is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_writer_finds_nothing_there() {
    let house = Arc::new(House::with(&["bucket"]).await);
    for key in 0..10 {
        let won = race(&house, &format!("key-{key}"), When::Absent, 24).await;
        assert_eq!(won, 1, "key-{key}");
    }
}

/// Many writers that each want to replace what they saw: one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_writer_replaces_what_it_saw() {
    let house = Arc::new(House::with(&["bucket"]).await);
    for key in 0..10 {
        let key = format!("key-{key}");
        let etag = house.put("bucket", &key, "first").await.value().etag.to_string();
        assert_eq!(race(&house, &key, When::Etag(etag), 24).await, 1, "{key}");
    }
}

/// Many writers to one key with no condition: all succeed, and one of them is what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_overwrite() {
    let house = Arc::new(House::with(&["bucket"]).await);
    assert_eq!(race(&house, "key", When::Always, 48).await, 48);
    assert!(house.read("bucket", "key").await.starts_with(b"writer "));
}

async fn race(house: &Arc<House>, key: &str, when: When, writers: usize) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let (house, key, when) = (Arc::clone(house), key.to_owned(), when.clone());
        tasks.spawn(
            async move { house.put_when("bucket", &key, format!("writer {writer}"), when).await.is_ok() },
        );
    }
    tasks.join_all().await.into_iter().filter(|won| *won).count()
}

#[test]
fn ranges_are_those_of_the_bytes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let house = runtime.block_on(House::with(&["bucket"]));
    let body = bytes(700_000, 5);
    runtime.block_on(house.put("bucket", "large", body.clone()));
    runtime.block_on(house.put("bucket", "small", body[..5000].to_vec()));
    proptest!(ProptestConfig::with_cases(64), |(from in 0u64..700_000, to in 0u64..700_000)| {
        let (from, to) = (from.min(to), from.max(to));
        let read = runtime.block_on(house.read_range("bucket", "large", from..to));
        prop_assert_eq!(read, &body[from as usize..to as usize]);
        let (from, to) = (from % 5000, to % 5000);
        let (from, to) = (from.min(to), from.max(to));
        let read = runtime.block_on(house.read_range("bucket", "small", from..to));
        prop_assert_eq!(read, &body[from as usize..to as usize]);
    });
}
