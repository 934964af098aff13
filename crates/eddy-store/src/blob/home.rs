//! Where blobs lie: in files, or on a disk in memory.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::BlobId;
use super::files::{self, Folder};
use crate::engine::{EngineError, Memory};

#[derive(Clone)]
pub(crate) enum Home {
    Folder(Folder),
    Memory(Memory),
}

/// A blob while it is written. Dropping it before [`Sink::finish`] leaves nothing.
pub(crate) enum Sink {
    File(files::Sink),
    Memory { disk: Memory, id: BlobId, body: Vec<u8> },
}

/// A blob while it is read.
pub(crate) enum Source {
    File(files::Source),
    Memory(Bytes),
}

impl Home {
    #[expect(clippy::disallowed_methods, reason = "this is below the port: a disk in memory needs no pool")]
    /// Runs work on the disk: on the blocking pool, or at once where nothing blocks and order must not vary.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        match self {
            Home::Folder(_) => spawn_blocking(work).await.map_err(io::Error::other)?,
            Home::Memory(_) => work(),
        }
    }

    pub(crate) fn sink(&self, id: BlobId) -> Sink {
        match self {
            Home::Folder(folder) => Sink::File(folder.sink(id)),
            Home::Memory(disk) => Sink::Memory { disk: disk.clone(), id, body: Vec::new() },
        }
    }

    pub(crate) fn open(&self, id: BlobId) -> io::Result<Source> {
        match self {
            Home::Folder(folder) => folder.open(id).map(Source::File),
            Home::Memory(disk) => match disk.blob(id).map_err(other)? {
                Some(body) => Ok(Source::Memory(body)),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    /// Removes a blob, if it is there.
    pub(crate) fn remove(&self, id: BlobId) -> io::Result<()> {
        match self {
            Home::Folder(folder) => folder.remove(id),
            Home::Memory(disk) => disk.remove_blob(id).map_err(other),
        }
    }

    /// All blobs that a start made.
    pub(crate) fn ids_of(&self, start: u32) -> io::Result<Vec<BlobId>> {
        match self {
            Home::Folder(folder) => folder.ids_of(start),
            Home::Memory(disk) => disk.blobs_of(start).map_err(other),
        }
    }

    /// How long the next operation is to be waited for: on simulated disks only.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Home::Folder(_) => None,
            Home::Memory(disk) => disk.next_delay(),
        }
    }

    /// Whether a write may go on while the next chunk gathers.
    pub(crate) fn is_blocking(&self) -> bool {
        matches!(self, Home::Folder(_))
    }
}

impl Sink {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::File(sink) => sink.write(bytes),
            Sink::Memory { body, .. } => {
                body.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Durable when this returns.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Sink::File(sink) => sink.finish(),
            Sink::Memory { disk, id, body } => disk.put_blob(id, body.into()).map_err(other),
        }
    }
}

impl Source {
    /// Exactly `bytes` bytes from an offset on.
    pub(crate) fn read(&self, offset: u64, bytes: usize) -> io::Result<Bytes> {
        match self {
            Source::File(file) => file.read(offset, bytes),
            Source::Memory(body) => {
                let start = usize::try_from(offset).map_err(io::Error::other)?;
                let end = start.checked_add(bytes).filter(|end| *end <= body.len());
                end.map(|end| body.slice(start..end)).ok_or(io::ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

fn other(error: EngineError) -> io::Error {
    io::Error::other(error)
}
