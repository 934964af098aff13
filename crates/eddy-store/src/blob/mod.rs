//! Bodies too large for rows: files of their own, named by rows that are committed after them.
//!
//! A blob is written and synced, its folder too, before the batch that first holds it; that batch is its commit.
//! Holds are counted in a row; the release of the last one writes a garbage row in the same batch, and the file is
//! removed afterwards. An id carries the number of the start that made it, so that after a crash only the blobs of
//! that start need be looked through for some that no row names.

mod files;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use eddy_base::{Env, Timestamp};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::durable::Error;
use crate::limits::BLOB_CHUNK_BYTES;

pub(crate) use self::files::Folder;
use self::files::Sink;

/// Names a blob: the number of the start that made it, then 96 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 16]);

/// Writes and reads blobs. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

struct Inner {
    env: Arc<dyn Env>,
    folder: Folder,
    start: u32,
    unnamed: Unnamed,
    /// Blobs that somebody reads, and how many do: their files stay even when their last hold goes.
    readers: Mutex<HashMap<BlobId, usize>>,
}

/// Blobs that are finished and that no row names yet, with the time when they were finished.
#[derive(Clone, Default)]
pub(crate) struct Unnamed(Arc<Mutex<HashMap<BlobId, Timestamp>>>);

/// Takes the bytes of a new blob. Dropping it discards them.
pub struct BlobWriter {
    blobs: Arc<Inner>,
    id: BlobId,
    /// What has not been handed to the disk; never more than one chunk.
    buffer: Vec<u8>,
    disk: Disk,
}

/// Where a writer's file is: one write at a time is under way while the next chunk gathers.
enum Disk {
    Idle(Sink, Vec<u8>),
    Busy(JoinHandle<Result<(Sink, Vec<u8>), std::io::Error>>),
    Failed,
}

/// Gives the bytes of a blob in pieces. While it lives the blob's file stays.
pub struct BlobReader {
    blobs: Arc<Inner>,
    id: BlobId,
    range: std::ops::Range<u64>,
    file: Option<Arc<files::Source>>,
}

impl Blobs {
    pub(crate) fn new(env: Arc<dyn Env>, folder: Folder, start: u32) -> Blobs {
        let inner = Inner { env, folder, start, unnamed: Unnamed::default(), readers: Mutex::default() };
        Blobs { inner: Arc::new(inner) }
    }

    /// Begins a blob. Nothing touches the disk before the first chunk is full.
    ///
    /// # Errors
    /// [`Error::NoRoom`] when the disk is nearly full.
    pub fn create(&self) -> Result<BlobWriter, Error> {
        let id = BlobId::random(self.inner.start, &*self.inner.env);
        Ok(BlobWriter {
            blobs: Arc::clone(&self.inner),
            id,
            buffer: Vec::new(),
            disk: Disk::Idle(self.inner.folder.sink(id), Vec::new()),
        })
    }

    /// Reads a part of a blob. Make the reader while a row names the blob, and it can be read to its end.
    pub fn read(&self, id: BlobId, range: std::ops::Range<u64>) -> BlobReader {
        *self.inner.readers().entry(id).or_default() += 1;
        BlobReader { blobs: Arc::clone(&self.inner), id, range, file: None }
    }

    /// Removes a finished blob that no row will name, because the commit was refused. Does nothing to a blob that
    /// a row names.
    pub async fn discard(&self, id: BlobId) {
        if !self.inner.unnamed.take(id) {
            return;
        }
        let folder = self.inner.folder.clone();
        let removed = spawn_blocking(move || folder.remove(id)).await;
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!(blob = ?id, "a discarded blob stays until the next unclean start is swept");
        }
    }

    pub(crate) fn unnamed(&self) -> Unnamed {
        self.inner.unnamed.clone()
    }
}

impl BlobWriter {
    /// Adds bytes. Waits while the disk is a chunk behind, so memory stays flat.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file cannot be written; the blob is lost.
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

    /// Syncs file and folder. The blob can now be held.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file cannot be written or synced; the blob is lost.
    pub async fn finish(mut self) -> Result<BlobId, Error> {
        let (mut sink, _) = self.idle().await?;
        let buffer = std::mem::take(&mut self.buffer);
        let finished = spawn_blocking(move || {
            sink.write(&buffer)?;
            sink.finish()
        });
        finished.await.map_err(|_| WRITE_FAILED)?.map_err(failed)?;
        self.blobs.unnamed.add(self.id, self.blobs.env.now());
        Ok(self.id)
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let (mut sink, spare) = self.idle().await?;
        let mut full = std::mem::replace(&mut self.buffer, spare);
        self.disk = Disk::Busy(spawn_blocking(move || {
            sink.write(&full)?;
            full.clear();
            Ok((sink, full))
        }));
        Ok(())
    }

    /// Waits for the write under way. Cancelling it loses nothing.
    async fn idle(&mut self) -> Result<(Sink, Vec<u8>), Error> {
        if let Disk::Busy(write) = &mut self.disk {
            let done = write.await;
            self.disk = Disk::Failed;
            return done.map_err(|_| WRITE_FAILED)?.map_err(failed);
        }
        match std::mem::replace(&mut self.disk, Disk::Failed) {
            Disk::Idle(sink, spare) => Ok((sink, spare)),
            Disk::Busy(_) | Disk::Failed => Err(WRITE_FAILED),
        }
    }
}

impl BlobReader {
    /// The next piece, at most 256 KiB; none at the end of the range.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the blob is gone, [`Error::Fatal`] when it cannot be read or ends too early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let (folder, id, file) = (self.blobs.folder.clone(), self.id, self.file.clone());
        let start = self.range.start;
        let bytes = (self.range.end - start).min(BLOB_CHUNK_BYTES as u64) as usize;
        let read = spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(folder.open(id)?),
            };
            let piece = file.read(start, bytes)?;
            Ok((file, piece))
        });
        let read: Result<_, std::io::Error> =
            read.await.map_err(|_| Error::Fatal("a read of a blob was cancelled".into()))?;
        let (file, piece) = read.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Unavailable("the blob is gone"),
            _ => Error::Fatal(format!("blob {id:?} cannot be read: {error}")),
        })?;
        self.range.start += piece.len() as u64;
        self.file = Some(file);
        Ok(Some(piece))
    }
}

impl Inner {
    fn readers(&self) -> MutexGuard<'_, HashMap<BlobId, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        let mut readers = self.blobs.readers();
        if let Some(count) = readers.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.id);
            }
        }
    }
}

impl Unnamed {
    pub(crate) fn contains(&self, id: BlobId) -> bool {
        self.lock().contains_key(&id)
    }

    pub(crate) fn remove(&self, ids: &[BlobId]) {
        if ids.is_empty() {
            return;
        }
        let mut unnamed = self.lock();
        for id in ids {
            unnamed.remove(id);
        }
    }

    fn add(&self, id: BlobId, now: Timestamp) {
        self.lock().insert(id, now);
    }

    fn take(&self, id: BlobId) -> bool {
        self.lock().remove(&id).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BlobId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlobId {
    fn random(start: u32, env: &dyn Env) -> BlobId {
        let mut id = [0; 16];
        env.fill_random(&mut id[4..]);
        id[..4].copy_from_slice(&start.to_be_bytes());
        BlobId(id)
    }

    pub fn from_bytes(bytes: [u8; 16]) -> BlobId {
        BlobId(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn start(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl std::fmt::Debug for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<C> minicbor::Encode<C> for BlobId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for BlobId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<BlobId, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        bytes.try_into().map(BlobId).map_err(|_| minicbor::decode::Error::message("a blob id has 16 bytes"))
    }
}

const WRITE_FAILED: Error = Error::Unavailable("the blob could not be written");

fn failed(error: std::io::Error) -> Error {
    tracing::error!(error = %error, "a blob could not be written");
    if error.kind() == std::io::ErrorKind::StorageFull { Error::NoRoom } else { WRITE_FAILED }
}
