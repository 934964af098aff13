//! A body on its way out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use eddy_store::{BlobId, BlobReader, Store};

use crate::cipher::{Cipher, Pass};
use crate::error::Error;
use crate::limits::ATTEMPTS_MAX;
use crate::object::{self, Object, read_body, require};
use crate::rows::{Body, Extent, PartMark};
use crate::{Objects, Seen, bucket};

/// An object with its body. While it lives, or a reader of it does, the body stays readable whatever becomes of the
/// object.
pub struct Found {
    pub object: Object,
    pub(crate) body: Body,
    pins: Pins,
}

/// Keeps the files of blobs.
type Pins = Arc<[BlobReader]>;

/// Gives a range of a body piece by piece.
pub struct Reader {
    store: Store,
    cipher: Cipher,
    inline: Option<Bytes>,
    rest: VecDeque<(BlobId, Range<u64>)>,
    current: Option<(BlobReader, Pass)>,
    _pins: Pins,
}

impl Found {
    /// The parts that the object was uploaded in; none for one that came in one piece.
    pub fn parts(&self) -> &[PartMark] {
        &self.body.parts
    }
}

impl Objects {
    /// As [`Objects::head`], with the body, for [`Objects::read`].
    ///
    /// # Errors
    /// As [`Objects::head`]; [`Error::Contended`].
    pub fn get(&self, bucket: &str, key: &str) -> Result<Seen<Found>, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let Seen { value: (object, body), pos } = self.look(|snapshot| {
                bucket::require(snapshot, bucket)?;
                let object = require(snapshot, bucket, key)?;
                let body = read_body(snapshot, bucket, key, &object.head)?;
                Ok((object, body))
            })?;
            let pin = |extent: &Extent| self.store.blobs().read(extent.blob, 0..0);
            let pins: Pins = body.extents.iter().map(pin).collect();
            // Only if the object was still there after its files were pinned, they were there to be pinned.
            let still = || object::find(&self.store.snapshot(), bucket, key);
            if pins.is_empty() || still()?.is_some_and(|(_, pos)| pos == object.pos) {
                return Ok(Seen { value: Found { object, body, pins }, pos });
            }
        }
        Err(Error::Contended)
    }

    /// Reads a range of a body, which must lie inside of it. The range may be empty.
    pub fn read(&self, found: &Found, range: Range<u64>) -> Reader {
        let piece = |extent: &Extent| (extent.blob, extent.offset..extent.offset + extent.length);
        let [from, to] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let inline = found.body.open(&self.cipher).map(|bytes| bytes.slice(from..to));
        Reader {
            store: self.store.clone(),
            cipher: self.cipher.clone(),
            rest: found.body.cut(&range).extents.iter().map(piece).collect(),
            inline: inline.filter(|bytes| !bytes.is_empty()),
            current: None,
            _pins: Arc::clone(&found.pins),
        }
    }
}

impl Reader {
    /// The next piece; None at the end.
    ///
    /// # Errors
    /// Whatever the store says: the body can't be read on.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(bytes) = self.inline.take() {
            return Ok(Some(bytes));
        }
        loop {
            if let Some((reader, pass)) = &mut self.current
                && let Some(bytes) = reader.next().await?
            {
                return Ok(Some(pass.turn(bytes)));
            }
            let Some((blob, range)) = self.rest.pop_front() else { return Ok(None) };
            let pass = self.cipher.blob(blob, range.start);
            self.current = Some((self.store.blobs().read(blob, range), pass));
        }
    }
}
