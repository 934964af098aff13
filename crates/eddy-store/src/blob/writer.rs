//! Writing a blob: memory stays flat, the disk works while the next chunk gathers.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::home::Sink;
use super::{BlobId, Inner, Writing};
use crate::durable::Error;
use crate::keeper::Chore;
use crate::limits::BLOB_CHUNK_BYTES;
use crate::room::Level;

/// Takes the bytes of a new blob. Dropping it discards them.
pub struct BlobWriter {
    blobs: Arc<Inner>,
    id: BlobId,
    /// What has not been handed to the disk; never more than one chunk.
    buffer: Vec<u8>,
    disk: Disk,
}

/// Where a writer's file is, with the buffer that is not in use.
enum Disk {
    Idle(Draft, Vec<u8>),
    Busy(JoinHandle<io::Result<(Draft, Vec<u8>)>>),
    Failed,
}

/// The file, and that it is being written. Both go along with the work on the disk, which ends by itself when the
/// writer is dropped. In this order: the file is gone before it counts as ended.
struct Draft {
    sink: Sink,
    writing: Writing,
}

const WRITE_FAILED: Error = Error::Unavailable("the blob could not be written");

impl BlobWriter {
    pub(super) fn new(blobs: Arc<Inner>, id: BlobId, writing: Writing) -> BlobWriter {
        let draft = Draft { sink: blobs.home.sink(id), writing };
        BlobWriter { blobs, id, buffer: Vec::new(), disk: Disk::Idle(draft, Vec::new()) }
    }

    /// The name that rows will hold it by, once it is finished.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Adds bytes. Waits while the disk is a chunk behind.
    ///
    /// # Errors
    /// [`Error::NoRoom`] when the disk has become nearly full, [`Error::Unavailable`] when the file cannot be
    /// written. Either way the blob is lost.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOB_CHUNK_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
            if self.buffer.len() == BLOB_CHUNK_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Syncs file and folder. The blob can now be held, within 15 minutes.
    ///
    /// # Errors
    /// As of [`BlobWriter::write`].
    pub async fn finish(mut self) -> Result<BlobId, Error> {
        let (draft, _) = self.idle().await?;
        if let Some(delay) = self.blobs.home.delay() {
            self.blobs.env.sleep(delay).await;
        }
        let (id, env, buffer) = (self.id, Arc::clone(&self.blobs.env), std::mem::take(&mut self.buffer));
        let finished = self.blobs.home.run(move || {
            let Draft { writing, mut sink } = draft;
            sink.write(&buffer)?;
            sink.finish()?;
            // Here and not behind the wait: whoever waits may be gone, and the file must not be forgotten.
            Ok(writing.finish(id, env.monotonic()))
        });
        let Some(late) = finished.await.map_err(failed)? else {
            return Err(Error::Unavailable("the store is closed"));
        };
        if !late.is_empty() {
            // Without a keeper, the next start does it.
            let _ = self.blobs.chores.send(Chore::Remove(late));
        }
        Ok(self.id)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is below the port: what writes files, and hands back a buffer"
    )]
    async fn flush(&mut self) -> Result<(), Error> {
        if self.blobs.room.look() == Level::Nothing {
            self.disk = Disk::Failed;
            return Err(Error::NoRoom);
        }
        let (mut draft, spare) = self.idle().await?;
        let mut full = std::mem::replace(&mut self.buffer, spare);
        let write = move || {
            draft.sink.write(&full)?;
            full.clear();
            Ok((draft, full))
        };
        if self.blobs.home.is_blocking() {
            self.disk = Disk::Busy(spawn_blocking(write));
            return Ok(());
        }
        let (draft, spare) = write().map_err(failed)?;
        self.disk = Disk::Idle(draft, spare);
        Ok(())
    }

    /// Waits for the write under way. Cancelling it loses nothing.
    async fn idle(&mut self) -> Result<(Draft, Vec<u8>), Error> {
        if let Disk::Busy(write) = &mut self.disk {
            let done = write.await;
            self.disk = Disk::Failed;
            return done.map_err(|_| WRITE_FAILED)?.map_err(failed);
        }
        match std::mem::replace(&mut self.disk, Disk::Failed) {
            Disk::Idle(draft, spare) => Ok((draft, spare)),
            Disk::Busy(_) | Disk::Failed => Err(WRITE_FAILED),
        }
    }
}

fn failed(error: io::Error) -> Error {
    tracing::error!(error = %error, "a blob could not be written");
    if error.kind() == io::ErrorKind::StorageFull { Error::NoRoom } else { WRITE_FAILED }
}
