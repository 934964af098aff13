use eddy_objects::{
    Algorithm, Answer, Checksum, Completion, Coverage, Error, NewUpload, PartCopy, PartName, UploadAfter,
    UploadId, UploadName, UploadQuery, When,
};

use crate::house::{House, by, bytes, outcome};

const MIB: usize = 1 << 20;

async fn begin(house: &House, key: &str, checksum: Option<(Algorithm, Coverage)>) -> UploadId {
    let new = NewUpload {
        bucket: "bucket",
        key,
        description: Default::default(),
        tags: vec![("k".into(), "v".into())],
        checksum,
        by: &by(),
    };
    *house.objects.create_upload(new).await.expect("an upload").value()
}

async fn part(house: &House, key: &str, id: &UploadId, number: u32, body: Vec<u8>) -> PartName {
    let name = UploadName { bucket: "bucket", key, id };
    let algorithm = house.objects.upload(name).expect("an upload").value.algorithm;
    let part = house.objects.put_part(name, number, house.part(body, algorithm).await).await.expect("a part");
    PartName { number, etag: part.value().etag().to_string(), checksum: None }
}

async fn complete(
    house: &House,
    key: &str,
    id: &UploadId,
    parts: &[PartName],
) -> Result<Answer<eddy_objects::Stored>, Error> {
    let completion = Completion {
        upload: UploadName { bucket: "bucket", key, id },
        parts,
        checksum: None,
        size: None,
        when: When::Always,
        by: &by(),
    };
    house.objects.complete_upload(&completion).await
}

#[tokio::test]
async fn parts_become_an_object_and_move_no_bytes() {
    let house = House::with(&["bucket"]).await;
    let id = begin(&house, "key", None).await;
    let (first, second, last) = (bytes(5 * MIB, 1), bytes(5 * MIB, 2), bytes(100, 3));
    let three = part(&house, "key", &id, 9, last.clone()).await;
    let one = part(&house, "key", &id, 1, first.clone()).await;
    part(&house, "key", &id, 2, bytes(70_000, 8)).await;
    let two = part(&house, "key", &id, 2, second.clone()).await;
    part(&house, "key", &id, 5, bytes(70_000, 7)).await;
    assert_eq!(outcome(house.objects.head("bucket", "key")), "the object does not exist");

    let named = [one, two, three];
    let done = complete(&house, "key", &id, &named).await.expect("a completion");
    assert!(matches!(done, Answer::Changed(_)));
    let stored = done.value();
    assert!(stored.etag.to_string().ends_with("-3"));
    let whole = [first, second, last].concat();
    let expected = Checksum {
        algorithm: Algorithm::Crc64Nvme,
        coverage: Coverage::Whole,
        value: Algorithm::Crc64Nvme.of(&whole),
    };
    assert_eq!(stored.checksum, Some(expected));
    let again = complete(&house, "key", &id, &named).await.expect("an answer to one who asks again");
    assert!(matches!(again, Answer::Unchanged(..)));
    assert_eq!(outcome(complete(&house, "key", &id, &named[..1]).await), Error::NoSuchUpload.to_string());

    let (house, blobs) = house.blobs().await;
    assert_eq!(blobs, 3, "parts that were replaced or left out are gone");
    assert_eq!(house.read("bucket", "key").await, whole);
    let at = 5 * MIB as u64;
    assert_eq!(house.read_range("bucket", "key", at - 3..at + 4).await, whole[5 * MIB - 3..5 * MIB + 4]);
    let found = house.objects.get("bucket", "key").expect("an object").value;
    assert_eq!(found.object.tags, [("k".to_owned(), "v".to_owned())]);
    let marks: Vec<(u32, u64)> = found.parts().iter().map(|part| (part.number, part.size)).collect();
    assert_eq!(marks, [(1, at), (2, at), (9, 100)]);
    house.objects.delete("bucket", "key", &When::Always, &by()).await.expect("a removal");
    assert_eq!(house.blobs().await.1, 0);
}

#[tokio::test]
async fn a_completion_is_held_against_what_was_uploaded() {
    let house = House::with(&["bucket"]).await;
    let id = begin(&house, "key", Some((Algorithm::Sha256, Coverage::Parts))).await;
    let (first, last) = (bytes(5 * MIB, 1), bytes(100, 3));
    let one = part(&house, "key", &id, 1, first.clone()).await;
    let two = part(&house, "key", &id, 2, last.clone()).await;
    let check = |parts: Vec<&PartName>| {
        let parts: Vec<PartName> = parts.into_iter().cloned().collect();
        let house = &house;
        async move { outcome(complete(house, "key", &id, &parts).await) }
    };
    assert_eq!(check(vec![&two, &one]).await, Error::PartsOutOfOrder.to_string());
    let three = PartName { number: 3, ..one.clone() };
    assert_eq!(check(vec![&one, &two, &three]).await, Error::NoSuchPart { number: 3 }.to_string());
    let completion = |size, value: Vec<u8>| Completion {
        upload: UploadName { bucket: "bucket", key: "key", id: &id },
        parts: &[],
        checksum: Some(Checksum { algorithm: Algorithm::Sha256, coverage: Coverage::Parts, value }),
        size,
        when: When::Absent,
        by: Box::leak(Box::new(by())),
    };
    let named = [one, two];
    let sums = [Algorithm::Sha256.of(&first), Algorithm::Sha256.of(&last)].concat();
    let right = Algorithm::Sha256.of(&sums);
    let wrong_sum = Completion { parts: &named, ..completion(None, vec![0; 32]) };
    assert_eq!(outcome(house.objects.complete_upload(&wrong_sum).await), Error::ChecksumMismatch.to_string());
    let wrong_size = Completion { parts: &named, ..completion(Some(7), right.clone()) };
    assert_eq!(
        outcome(house.objects.complete_upload(&wrong_size).await),
        Error::SizeMismatch { size: 0 }.to_string()
    );
    house.put("bucket", "key", "there").await;
    let sound = Completion { parts: &named, ..completion(Some(5 * MIB as u64 + 100), right) };
    assert_eq!(outcome(house.objects.complete_upload(&sound).await), Error::ConditionFailed.to_string());
    house.objects.delete("bucket", "key", &When::Always, &by()).await.expect("a removal");
    assert_eq!(outcome(house.objects.complete_upload(&sound).await), "done");
}

#[tokio::test]
async fn an_aborted_upload_gives_its_room_back() {
    let house = House::with(&["bucket"]).await;
    let id = begin(&house, "key", None).await;
    let one = part(&house, "key", &id, 1, bytes(80_000, 1)).await;
    assert_eq!(
        outcome(house.objects.abort_upload("bucket", "other", &id).await),
        Error::NoSuchUpload.to_string()
    );
    house.objects.abort_upload("bucket", "key", &id).await.expect("an abortion");
    assert_eq!(
        outcome(house.objects.abort_upload("bucket", "key", &id).await),
        Error::NoSuchUpload.to_string()
    );
    assert_eq!(outcome(complete(&house, "key", &id, &[one]).await), Error::NoSuchUpload.to_string());
    let name = UploadName { bucket: "bucket", key: "key", id: &id };
    let late =
        house.objects.put_part(name, 1, house.part(bytes(80_000, 1), Algorithm::Crc64Nvme).await).await;
    assert_eq!(outcome(late), Error::NoSuchUpload.to_string());
    assert_eq!(house.blobs().await.1, 0);
}

#[tokio::test]
async fn uploads_go_with_their_bucket() {
    let house = House::with(&["bucket"]).await;
    let id = begin(&house, "key", None).await;
    part(&house, "key", &id, 1, bytes(80_000, 1)).await;
    house.objects.delete_bucket("bucket").await.expect("a bucket without objects goes");
    house.objects.create_bucket("bucket", &crate::house::scope(), &[]).await.expect("the name is free");
    let page = house.objects.list_uploads("bucket", &UploadQuery { max: 10, ..Default::default() }).await;
    assert!(page.expect("a page").value.uploads.is_empty());
    assert_eq!(house.blobs().await.1, 0);
}

#[tokio::test]
async fn uploads_and_parts_are_listed_in_pages() {
    let house = House::with(&["bucket"]).await;
    let mut expected = Vec::new();
    for key in ["a", "a", "b/1", "b/2", "c"] {
        expected.push((key.to_owned(), begin(&house, key, None).await));
    }
    expected[..2].sort();
    let list = async |delimiter: &str, prefix: &str, max| {
        let mut query = UploadQuery {
            prefix: prefix.into(),
            delimiter: delimiter.into(),
            after: UploadAfter::Nothing,
            max,
        };
        let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
        loop {
            let page = house.objects.list_uploads("bucket", &query).await.expect("a page").value;
            uploads.extend(page.uploads.into_iter().map(|listed| (listed.key, listed.id)));
            prefixes.extend(page.prefixes);
            match page.next {
                Some(next) => query.after = next,
                None => return (uploads, prefixes),
            }
        }
    };
    for max in 1..6 {
        assert_eq!(list("", "", max).await, (expected.clone(), vec![]), "{max}");
        let rolled = [&expected[..2], &expected[4..]].concat();
        assert_eq!(list("/", "", max).await, (rolled, vec!["b/".to_owned()]), "{max}");
        assert_eq!(list("/", "b/", max).await, (expected[2..4].to_vec(), vec![]), "{max}");
    }

    let (key, id) = &expected[4];
    for number in [7, 1, 30] {
        part(&house, key, id, number, vec![1]).await;
    }
    let name = UploadName { bucket: "bucket", key, id };
    let page = |after, max| {
        let page = house.objects.list_parts(name, after, max).expect("a page").value;
        (page.parts.into_iter().map(|(number, _)| number).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(page(0, 2), (vec![1, 7], true));
    assert_eq!(page(7, 2), (vec![30], false));
}

#[tokio::test]
async fn parts_are_copied_from_objects_everywhere() {
    let house = House::with(&["bucket", "other"]).await;
    let body = bytes(6 * MIB, 1);
    house.put("other", "source", body.clone()).await;
    house.put("bucket", "near", body.clone()).await;
    house.put("bucket", "small", "0123456789").await;
    let id = begin(&house, "key", None).await;
    let name = UploadName { bucket: "bucket", key: "key", id: &id };
    let five = 5 * MIB as u64;
    let mut named = Vec::new();
    let sources = [
        ("other", "source", Some(1..five + 1)),
        ("bucket", "near", None),
        ("other", "source", Some(0..five)),
        ("bucket", "small", Some(2..5)),
    ];
    for ((bucket, key, range), number) in sources.into_iter().zip(1..) {
        let copy = PartCopy { source_bucket: bucket, source_key: key, range, upload: name, number };
        let part = house.objects.copy_part(copy, |_| Ok::<(), Error>(())).await.expect("a part");
        named.push(PartName { number, etag: part.value().etag().to_string(), checksum: None });
    }
    complete(&house, "key", &id, &named).await.expect("a completion");
    let expected = [&body[1..five as usize + 1], &body, &body[..five as usize], b"234"].concat();
    let (house, blobs) = house.blobs().await;
    assert_eq!(blobs, 3, "large ranges are shared, the small one is written anew");
    for (bucket, key) in [("other", "source"), ("bucket", "near")] {
        house.objects.delete(bucket, key, &When::Always, &by()).await.expect("a removal");
    }
    let (house, blobs) = house.blobs().await;
    assert_eq!(blobs, 3);
    assert_eq!(house.read("bucket", "key").await, expected);
    house.objects.delete("bucket", "key", &When::Always, &by()).await.expect("a removal");
    assert_eq!(house.blobs().await.1, 0);
}
