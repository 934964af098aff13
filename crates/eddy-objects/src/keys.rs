//! Every key that this crate persists.
//!
//! A bucket is a cell, named by the bucket's name, so that a name is taken or given up in one place and everything
//! in a bucket is decided in one order. All keys are `o | name of the bucket | kind (1) | ...`.
//!
//! | kind | rest of the key | value | who writes it | absent when |
//! |---|---|---|---|---|
//! | `0` cipher, of the bucket without a name | | the key that bodies are encrypted with (32) | the first start | never, once there is a bucket |
//! | `1` bucket | | [`rows::Bucket`](crate::rows::Bucket) | create; never rewritten, so that its position names this life of the bucket | there is no such bucket |
//! | `2` writes | | counter | whatever may end the bucket's emptiness: puts, copies, uploads and their parts | nothing was ever written |
//! | `3` bucket tags | | [`rows::Tags`](crate::rows::Tags) | set and remove tags | no tags |
//! | `4` origin rules | | [`rows::OriginRules`](crate::rows::OriginRules) | set and remove rules | no rules |
//! | `5` unguarded | | empty | the end of the bucket's guard against the public | the bucket is guarded, as when it was made |
//! | `16` head | key, version | [`rows::Head`](crate::rows::Head) | put, copy, complete | there is no such object |
//! | `17` body | key, version | [`rows::Body`](crate::rows::Body) | as the head, same batch | the body stands in the head |
//! | `18` tags | key, version | [`rows::Tags`](crate::rows::Tags) | as the head, and set and remove tags | no tags |
//! | `19` gone | key, version | empty, expires | delete | nothing was deleted there within a minute |
//! | `32` upload | key, upload | [`rows::Upload`](crate::rows::Upload) | create upload; complete and abort remove it | completed or aborted |
//! | `33` part | upload, number | [`rows::Part`](crate::rows::Part) | upload and copy part | not uploaded |
//! | `34` part writes | upload | counter | whatever changes parts, so that complete and abort see all of them | no part was uploaded |
//! | `48` hold | hold (16) | [`rows::Hold`](crate::rows::Hold) | a copy into another bucket, in the cell where the blobs are counted | no other bucket shares blobs by it |
//! | `49` unsettled | hold (16) | empty | with the hold; removed once the copy is known to stand | the copy stands or never did |
//! | `50` foreign | hold (16) | [`rows::Foreign`](crate::rows::Foreign) | a copy from another bucket, in the cell of the copy | this bucket has no such copy |
//! | `51` debt | hold (16) | [`rows::Foreign`](crate::rows::Foreign) | the end of that copy, in place of the foreign row; removed once the hold is given back | nothing is owed |
//!
//! A version is inverted, so that the newest of a key comes first. The only one today is [`UNVERSIONED`], the
//! version of buckets that keep none, which sorts behind all that versioning may add.

use eddy_base::Id;
use eddy_store::{Key, Range, RowBuilder, Space};

use crate::error::Error;
use crate::rows::UploadId;

pub(crate) const SPACE: Space = Space::new(b'o', "objects");

/// The inverted version of an object in a bucket that keeps no versions.
pub(crate) const UNVERSIONED: u64 = u64::MAX;

const CIPHER: u8 = 0;
const BUCKET: u8 = 1;
const WRITES: u8 = 2;
const BUCKET_TAGS: u8 = 3;
const ORIGIN_RULES: u8 = 4;
const UNGUARDED: u8 = 5;
const HEAD: u8 = 16;
const BODY: u8 = 17;
const TAGS: u8 = 18;
const GONE: u8 = 19;
const UPLOAD: u8 = 32;
const PART: u8 = 33;
const PART_WRITES: u8 = 34;
const HOLD: u8 = 48;
const UNSETTLED: u8 = 49;
const FOREIGN: u8 = 50;
const DEBT: u8 = 51;

fn row(bucket: &str, kind: u8) -> RowBuilder {
    SPACE.key().text(bucket).cell().u8(kind)
}

/// No bucket has an empty name.
pub(crate) fn cipher() -> Key {
    row("", CIPHER).key()
}

pub(crate) fn bucket(name: &str) -> Key {
    row(name, BUCKET).key()
}

pub(crate) fn writes(bucket: &str) -> Key {
    row(bucket, WRITES).key()
}

pub(crate) fn bucket_tags(bucket: &str) -> Key {
    row(bucket, BUCKET_TAGS).key()
}

pub(crate) fn origin_rules(bucket: &str) -> Key {
    row(bucket, ORIGIN_RULES).key()
}

pub(crate) fn unguarded(bucket: &str) -> Key {
    row(bucket, UNGUARDED).key()
}

pub(crate) fn head(bucket: &str, key: &str) -> Key {
    row(bucket, HEAD).text(key).u64(UNVERSIONED).key()
}

pub(crate) fn body(bucket: &str, key: &str) -> Key {
    row(bucket, BODY).text(key).u64(UNVERSIONED).key()
}

pub(crate) fn tags(bucket: &str, key: &str) -> Key {
    row(bucket, TAGS).text(key).u64(UNVERSIONED).key()
}

pub(crate) fn gone(bucket: &str, key: &str) -> Key {
    row(bucket, GONE).text(key).u64(UNVERSIONED).key()
}

pub(crate) fn upload(bucket: &str, key: &str, upload: &UploadId) -> Key {
    row(bucket, UPLOAD).text(key).bytes(&upload.0).key()
}

pub(crate) fn part(bucket: &str, upload: &UploadId, number: u32) -> Key {
    row(bucket, PART).bytes(&upload.0).u64(u64::from(number)).key()
}

pub(crate) fn part_writes(bucket: &str, upload: &UploadId) -> Key {
    row(bucket, PART_WRITES).bytes(&upload.0).key()
}

pub(crate) fn hold(bucket: &str, hold: Id) -> Key {
    row(bucket, HOLD).bytes(hold.as_bytes()).key()
}

pub(crate) fn unsettled(bucket: &str, hold: Id) -> Key {
    row(bucket, UNSETTLED).bytes(hold.as_bytes()).key()
}

pub(crate) fn foreign(bucket: &str, hold: Id) -> Key {
    row(bucket, FOREIGN).bytes(hold.as_bytes()).key()
}

pub(crate) fn debt(bucket: &str, hold: Id) -> Key {
    row(bucket, DEBT).bytes(hold.as_bytes()).key()
}

/// All of a bucket's heads.
pub(crate) fn heads(bucket: &str) -> Range {
    row(bucket, HEAD).prefix()
}

/// The heads of the keys that begin with `prefix`.
pub(crate) fn heads_with(bucket: &str, prefix: &str) -> Range {
    row(bucket, HEAD).text_prefix(prefix)
}

/// All versions of one key's head.
pub(crate) fn heads_of(bucket: &str, key: &str) -> Range {
    row(bucket, HEAD).text(key).prefix()
}

/// The uploads to the keys that begin with `prefix`.
pub(crate) fn uploads_with(bucket: &str, prefix: &str) -> Range {
    row(bucket, UPLOAD).text_prefix(prefix)
}

/// All uploads to one key.
pub(crate) fn uploads_of(bucket: &str, key: &str) -> Range {
    row(bucket, UPLOAD).text(key).prefix()
}

pub(crate) fn parts(bucket: &str, upload: &UploadId) -> Range {
    row(bucket, PART).bytes(&upload.0).prefix()
}

pub(crate) fn all_unsettled(bucket: &str) -> Range {
    row(bucket, UNSETTLED).prefix()
}

pub(crate) fn all_debts(bucket: &str) -> Range {
    row(bucket, DEBT).prefix()
}

/// The bucket that any key of this crate belongs to.
pub(crate) fn bucket_of(key: &Key) -> Result<String, Error> {
    key.reader().text().map_err(|_| Error::Damaged("key"))
}

/// The object's key in the key of a head.
pub(crate) fn read_head(key: &Key) -> Result<String, Error> {
    let mut reader = key.reader();
    reader.skip_cell();
    let (Ok(HEAD), Ok(key), Ok(_)) = (reader.u8(), reader.text(), reader.u64()) else {
        return Err(Error::Damaged("key of a head"));
    };
    Ok(key)
}

/// The object's key and the upload in the key of an upload.
pub(crate) fn read_upload(key: &Key) -> Result<(String, UploadId), Error> {
    let mut reader = key.reader();
    reader.skip_cell();
    let (Ok(UPLOAD), Ok(key), Ok(upload)) = (reader.u8(), reader.text(), reader.bytes()) else {
        return Err(Error::Damaged("key of an upload"));
    };
    let upload = upload.try_into().map_err(|_| Error::Damaged("upload id"))?;
    Ok((key, UploadId(upload)))
}

/// The number in the key of a part.
pub(crate) fn read_part(key: &Key) -> Result<u32, Error> {
    let mut reader = key.reader();
    reader.skip_cell();
    let (Ok(PART), Ok(_), Ok(number)) = (reader.u8(), reader.bytes(), reader.u64()) else {
        return Err(Error::Damaged("key of a part"));
    };
    u32::try_from(number).map_err(|_| Error::Damaged("part number"))
}

/// The hold in the key of a hold, of an unsettled one, of a foreign row or of a debt.
pub(crate) fn read_hold(key: &Key) -> Result<Id, Error> {
    let mut reader = key.reader();
    reader.skip_cell();
    let (Ok(HOLD..=DEBT), Ok(hold)) = (reader.u8(), reader.bytes()) else {
        return Err(Error::Damaged("key of a hold"));
    };
    hold.try_into().map(Id::from_bytes).map_err(|_| Error::Damaged("hold id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_read_back(bucket_name in "[a-z0-9.-]{3,63}", key in any::<String>(), id: [u8; 24], number in 1u32..=10_000, hold_id: [u8; 16]) {
            let upload_id = UploadId(id);
            let hold_id = Id::from_bytes(hold_id);
            prop_assert_eq!(read_head(&head(&bucket_name, &key)).expect("reads back"), key.clone());
            prop_assert_eq!(
                read_upload(&upload(&bucket_name, &key, &upload_id)).expect("reads back"),
                (key.clone(), upload_id)
            );
            prop_assert_eq!(read_part(&part(&bucket_name, &upload_id, number)).expect("reads back"), number);
            for held in [hold(&bucket_name, hold_id), unsettled(&bucket_name, hold_id), foreign(&bucket_name, hold_id), debt(&bucket_name, hold_id)] {
                prop_assert_eq!(read_hold(&held).expect("reads back"), hold_id);
            }
            prop_assert_eq!(bucket_of(&body(&bucket_name, &key)).expect("reads back"), bucket_name);
        }

        #[test]
        fn heads_sort_as_their_keys_do(one in any::<String>(), other in any::<String>()) {
            prop_assert_eq!(
                head("b", &one).as_bytes().cmp(head("b", &other).as_bytes()),
                one.as_bytes().cmp(other.as_bytes())
            );
        }

        #[test]
        fn a_prefix_takes_its_own_keys_only(key in "[a-c/\\x00]{0,5}", prefix in "[a-c/\\x00]{0,3}") {
            let inside = head("b", &key).is_in(&heads_with("b", &prefix));
            prop_assert_eq!(inside, key.starts_with(&prefix));
            prop_assert!(!body("b", &key).is_in(&heads("b")));
            prop_assert!(!head("c", &key).is_in(&heads("b")));
        }

        #[test]
        fn parts_sort_by_number(one in 1u32..=10_000, other in 1u32..=10_000, id: [u8; 24]) {
            let key = |number| part("b", &UploadId(id), number);
            prop_assert_eq!(key(one).as_bytes().cmp(key(other).as_bytes()), one.cmp(&other));
        }
    }

    #[test]
    fn all_keys_of_a_bucket_are_one_cell() {
        let upload_id = UploadId([7; 24]);
        let id = Id::from_bytes([9; 16]);
        let keys = [
            writes("b"),
            bucket_tags("b"),
            origin_rules("b"),
            unguarded("b"),
            head("b", "k"),
            body("b", "k"),
            tags("b", "k"),
            gone("b", "k"),
            upload("b", "k", &upload_id),
            part("b", &upload_id, 1),
            part_writes("b", &upload_id),
            hold("b", id),
            unsettled("b", id),
            foreign("b", id),
            debt("b", id),
        ];
        for key in keys {
            assert_eq!(key.cell(), bucket("b").cell());
            assert_ne!(key.cell(), bucket("bb").cell());
        }
    }
}
