//! Bodies as they stand on disk: encrypted with AES-256, each under a key of its own.
//!
//! The keys come from one that is drawn when the first store is made and stands in a row of it. So a file of a blob,
//! or a disk that held some of them, says nothing without the rows; whoever has the whole folder can read it.
//! Counter mode can begin at any byte, so ranges are read without what is before them, and pieces of blobs are shared
//! between objects as they are. What was changed on the disk is found by checksums, not here.

use aes::Aes256;
use bytes::{Bytes, BytesMut};
use ctr::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use eddy_base::{Env, Id};
use eddy_store::{Batch, BlobId, Store};
use ring::hmac;

use crate::bucket;
use crate::error::Error;
use crate::keys;

const KEY_BYTES: usize = 32;

/// Makes the keys of bodies. Cheap to clone; `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct Cipher {
    key: hmac::Key,
}

/// Turns the bytes of one body into what stands on disk and back, in order.
pub(crate) struct Pass {
    stream: ctr::Ctr64BE<Aes256>,
}

impl Cipher {
    /// The cipher of a store. One that holds no bucket yet draws its key.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there are buckets and no key: what they hold can't be read. Whatever the store says.
    pub(crate) async fn open(store: &Store) -> Result<Cipher, Error> {
        let snapshot = store.snapshot();
        if let Some(row) = snapshot.get(&keys::cipher())? {
            return Cipher::new(&row.value);
        }
        if !bucket::names(&snapshot)?.is_empty() {
            return Err(Error::Damaged("the key that objects are encrypted with"));
        }
        let drawn = draw(store.env().as_ref());
        let mut batch = Batch::new();
        batch.put(keys::cipher(), drawn.to_vec());
        store.commit(batch, ()).await?;
        Cipher::new(&drawn)
    }

    fn new(key: &[u8]) -> Result<Cipher, Error> {
        if key.len() != KEY_BYTES {
            return Err(Error::Damaged("the key that objects are encrypted with"));
        }
        Ok(Cipher { key: hmac::Key::new(hmac::HMAC_SHA256, key) })
    }

    /// For the bytes of a blob from `offset` on.
    pub(crate) fn blob(&self, blob: BlobId, offset: u64) -> Pass {
        let mut pass = self.pass(b"blob", blob.as_bytes());
        pass.stream.seek(offset);
        pass
    }

    /// For a body that stands in a row, under a salt that was drawn for it.
    pub(crate) fn row(&self, salt: Id) -> Pass {
        self.pass(b"row", salt.as_bytes())
    }

    /// Every key is used for one body only, so the counter may begin at zero in each.
    fn pass(&self, kind: &[u8], name: &[u8]) -> Pass {
        let key = hmac::sign(&self.key, &[kind, name].concat());
        let stream = ctr::Ctr64BE::new_from_slices(key.as_ref(), &[0; 16]);
        Pass { stream: stream.expect("a SHA-256 is as long as the key") }
    }
}

impl Pass {
    /// The next bytes, turned. They are copied only if somebody else holds them too.
    pub(crate) fn turn(&mut self, bytes: Bytes) -> Bytes {
        let mut bytes = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        self.stream.apply_keystream(&mut bytes);
        bytes.freeze()
    }
}

fn draw(env: &dyn Env) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    env.fill_random(&mut key);
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cipher() -> Cipher {
        Cipher::new(&[7; KEY_BYTES]).expect("it is long enough")
    }

    proptest! {
        #[test]
        fn a_range_is_read_without_what_is_before_it(
            body in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..300, from in 0usize..300,
        ) {
            let blob = BlobId::from_bytes([3; 16]);
            let (cut, from) = (cut.min(body.len()), from.min(body.len()));
            let mut pass = cipher().blob(blob, 0);
            let kept = [&body[..cut], &body[cut..]].map(|piece| pass.turn(Bytes::copy_from_slice(piece))).concat();
            let read = cipher().blob(blob, from as u64).turn(Bytes::copy_from_slice(&kept[from..]));
            prop_assert_eq!(&read[..], &body[from..]);
        }
    }

    #[tokio::test]
    async fn buckets_without_the_key_of_their_bodies_are_not_opened() {
        let store = eddy_store::testing::open(crate::SPACES.to_vec(), Vec::new());
        let first = Cipher::open(&store).await.expect("a new store draws its key");
        let again = Cipher::open(&store).await.expect("it is there now");
        let body = Bytes::from_static(&[0; 32]);
        let salt = Id::from_bytes([1; 16]);
        assert_eq!(first.row(salt).turn(body.clone()), again.row(salt).turn(body));
        let mut batch = Batch::new();
        batch.delete(keys::cipher());
        store.commit(batch, ()).await.expect("room");
        let mut batch = Batch::new();
        batch.put(keys::writes("bucket"), "1");
        store.commit(batch, ()).await.expect("room");
        assert!(matches!(Cipher::open(&store).await, Err(Error::Damaged(_))));
    }

    #[test]
    fn no_two_bodies_look_alike() {
        let body = Bytes::from_static(&[0; 64]);
        let [one, other] =
            [1, 2].map(|byte| cipher().blob(BlobId::from_bytes([byte; 16]), 0).turn(body.clone()));
        let row = cipher().row(Id::from_bytes([1; 16])).turn(body.clone());
        assert!(one != other && one != row && row != body);
    }
}
