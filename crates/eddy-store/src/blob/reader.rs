//! Reading a blob, in pieces, on the blocking pool.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::home::Source;
use super::{BlobId, Inner};
use crate::durable::Error;
use crate::keeper::Chore;
use crate::limits::BLOB_CHUNK_BYTES;

/// Gives the bytes of a blob in pieces. While it lives the blob's file stays.
pub struct BlobReader {
    blobs: Arc<Inner>,
    id: BlobId,
    range: Range<u64>,
    source: Option<Arc<Source>>,
}

impl BlobReader {
    pub(super) fn new(blobs: Arc<Inner>, id: BlobId, range: Range<u64>) -> BlobReader {
        blobs.ledger.open_reader(id);
        BlobReader { blobs, id, range, source: None }
    }

    /// The next piece, at most 256 KiB; none at the end of the range.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the blob is gone, [`Error::Fatal`] when it cannot be read or ends too early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let (home, id, source) = (self.blobs.home.clone(), self.id, self.source.clone());
        let start = self.range.start;
        let bytes = usize::try_from(self.range.end - start).unwrap_or(usize::MAX).min(BLOB_CHUNK_BYTES);
        let read = self.blobs.home.run(move || {
            let source = match source {
                Some(source) => source,
                None => Arc::new(home.open(id)?),
            };
            let piece = source.read(start, bytes)?;
            Ok((source, piece))
        });
        let (source, piece) = read.await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Unavailable("the blob is gone"),
            _ => Error::Fatal(format!("blob {id:?} cannot be read: {error}")),
        })?;
        self.range.start += bytes as u64;
        self.source = Some(source);
        Ok(Some(piece))
    }
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        if self.blobs.ledger.close_reader(self.id) {
            // Without a keeper, the next start does it.
            let _ = self.blobs.chores.send(Chore::Remove(vec![self.id]));
        }
    }
}
