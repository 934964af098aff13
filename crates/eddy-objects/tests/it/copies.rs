use eddy_objects::{Algorithm, Copy, Coverage, Description, Error, When};

use crate::house::{House, by, bytes, outcome};

async fn copy(house: &House, from: (&str, &str), to: (&str, &str)) -> Result<(), Error> {
    let by = by();
    let copy = Copy {
        source_bucket: from.0,
        source_key: from.1,
        bucket: to.0,
        key: to.1,
        description: None,
        tags: None,
        algorithm: None,
        when: When::Always,
        by: &by,
    };
    house.objects.copy(copy, |_| Ok::<(), Error>(())).await.map(|_| ())
}

/// Every way that shared blobs can go around: whoever goes last takes the file along, and nobody before.
#[tokio::test]
async fn copies_outlive_their_sources() {
    let house = House::with(&["aaa", "bbb", "ccc"]).await;
    let body = bytes(200_000, 1);
    house.put("aaa", "one", body.clone()).await;
    let places =
        [("aaa", "one"), ("aaa", "two"), ("bbb", "three"), ("ccc", "four"), ("ccc", "five"), ("aaa", "six")];
    for pair in places.windows(2) {
        copy(&house, pair[0], pair[1]).await.expect("a copy");
    }
    let (mut house, blobs) = house.blobs().await;
    assert_eq!(blobs, 1, "copies move no bytes");
    for (bucket, key) in places {
        assert_eq!(house.read(bucket, key).await, body, "{bucket}/{key}");
        house.objects.delete(bucket, key, &When::Always, &by()).await.expect("a removal");
        let (same, blobs) = house.blobs().await;
        house = same;
        assert_eq!(blobs, usize::from((bucket, key) != places[5]), "after {bucket}/{key}");
    }
}

#[tokio::test]
async fn a_copy_may_replace_its_source_or_another_copy() {
    let house = House::with(&["aaa", "bbb"]).await;
    let (first, second) = (bytes(100_000, 1), bytes(100_000, 2));
    house.put("aaa", "key", first.clone()).await;
    copy(&house, ("aaa", "key"), ("aaa", "key")).await.expect("a copy onto itself");
    assert_eq!(house.read("aaa", "key").await, first);
    copy(&house, ("aaa", "key"), ("bbb", "key")).await.expect("a copy");
    house.put("aaa", "key", second.clone()).await;
    copy(&house, ("bbb", "key"), ("bbb", "key")).await.expect("a copy onto itself");
    assert_eq!(house.read("bbb", "key").await, first);
    copy(&house, ("aaa", "key"), ("bbb", "key")).await.expect("a copy over a copy");
    assert_eq!(house.read("bbb", "key").await, second);
    let (house, blobs) = house.blobs().await;
    assert_eq!(blobs, 1);
    house.objects.delete("aaa", "key", &When::Always, &by()).await.expect("a removal");
    house.objects.delete_bucket("aaa").await.expect("an empty bucket goes, though its blobs are shared");
    assert_eq!(house.read("bbb", "key").await, second);
    house.put("bbb", "key", "small").await;
    assert_eq!(house.blobs().await.1, 0);
}

#[tokio::test]
async fn small_bodies_are_copied_as_they_are() {
    let house = House::with(&["aaa", "bbb"]).await;
    for size in [0, 10, 10_000] {
        house.put("aaa", "key", bytes(size, 1)).await;
        copy(&house, ("aaa", "key"), ("bbb", "key")).await.expect("a copy");
        house.objects.delete("aaa", "key", &When::Always, &by()).await.expect("a removal");
        assert_eq!(house.read("bbb", "key").await, bytes(size, 1));
    }
    assert_eq!(outcome(copy(&house, ("aaa", "key"), ("bbb", "x")).await), "the object does not exist");
    assert_eq!(outcome(copy(&house, ("nope", "key"), ("bbb", "x")).await), "the bucket does not exist");
    assert_eq!(outcome(copy(&house, ("bbb", "key"), ("nope", "x")).await), "the bucket does not exist");
}

#[tokio::test]
async fn a_copy_takes_over_or_replaces_what_is_said() {
    let house = House::with(&["aaa", "bbb"]).await;
    let body = bytes(100_000, 1);
    house.put("aaa", "key", body.clone()).await;
    house.objects.set_tags("aaa", "key", &[("k".into(), "v".into())]).await.expect("tags");
    let by = by();
    let description = Description { content_type: Some("text/css".into()), ..Description::default() };
    let mut request = Copy {
        source_bucket: "aaa",
        source_key: "key",
        bucket: "bbb",
        key: "key",
        description: Some(description.clone()),
        tags: None,
        algorithm: Some(Algorithm::Sha256),
        when: When::Absent,
        by: &by,
    };
    house.objects.copy(Copy { tags: None, ..request }, |_| Ok::<(), Error>(())).await.expect("a copy");
    let copied = house.objects.head("bbb", "key").expect("an object").value;
    assert_eq!(copied.head.description, description);
    assert_eq!(copied.tags, [("k".to_owned(), "v".to_owned())]);
    let checksum = copied.head.checksum.expect("a checksum");
    assert_eq!((checksum.coverage, checksum.value), (Coverage::Whole, Algorithm::Sha256.of(&body)));

    request = Copy {
        description: None,
        tags: Some(Vec::new()),
        algorithm: None,
        when: When::Absent,
        ..request_of(&by)
    };
    let refused = house.objects.copy(request, |_| Ok::<(), Error>(())).await;
    assert_eq!(outcome(refused), "a condition of the request does not hold");
    let refused = house.objects.copy(request_of(&by), |_| Err(Error::ConditionFailed)).await;
    assert_eq!(outcome(refused), "a condition of the request does not hold");
    let (house, blobs) = house.blobs().await;
    assert_eq!(blobs, 1);
    house.objects.copy(request_of(&by), |_| Ok::<(), Error>(())).await.expect("a copy");
    assert_eq!(
        house.objects.tags("bbb", "key").expect("an object").value,
        [("k".to_owned(), "v".to_owned())]
    );
}

fn request_of(by: &eddy_objects::By) -> Copy<'_> {
    Copy {
        source_bucket: "aaa",
        source_key: "key",
        bucket: "bbb",
        key: "key",
        description: None,
        tags: None,
        algorithm: None,
        when: When::Always,
        by,
    }
}

/// A reader that has begun reads on to the end, though the object is gone by then.
#[tokio::test]
async fn a_reader_outlives_its_object() {
    let house = House::with(&["aaa"]).await;
    let body = bytes(600_000, 9);
    house.put("aaa", "key", body.clone()).await;
    let found = house.objects.get("aaa", "key").expect("an object").value;
    let mut reader = house.objects.read(&found, 0..600_000);
    drop(found);
    house.objects.delete("aaa", "key", &When::Always, &by()).await.expect("a removal");
    house.put("aaa", "other", "x").await;
    let mut read = Vec::new();
    while let Some(piece) = reader.next().await.expect("a readable body") {
        read.extend_from_slice(&piece);
    }
    assert_eq!(read, body);
}
