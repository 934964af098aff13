//! Where blobs lie: in files, or on a disk in memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::BlobId;
use super::files::{self, Folder};
use crate::ending::Ending;
use crate::engine::{EngineError, Memory};

#[derive(Clone)]
pub(crate) enum Home {
    Folder(Folder, Arc<Ending>),
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
    /// Runs work on the disk: on the blocking pool, or at once where nothing blocks and order must not vary. The end
    /// of the store waits for it, whether this future does or not.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        match self {
            Home::Folder(_, ending) => {
                let under_way = ending.work().await;
                let work = move || {
                    let done = work();
                    drop(under_way);
                    done
                };
                spawn_blocking(work).await.map_err(io::Error::other)?
            }
            Home::Memory(_) => work(),
        }
    }

    pub(crate) fn sink(&self, id: BlobId) -> Sink {
        match self {
            Home::Folder(folder, _) => Sink::File(folder.sink(id)),
            Home::Memory(disk) => Sink::Memory { disk: disk.clone(), id, body: Vec::new() },
        }
    }

    pub(crate) fn open(&self, id: BlobId) -> io::Result<Source> {
        match self {
            Home::Folder(folder, _) => folder.open(id).map(Source::File),
            Home::Memory(disk) => match disk.blob(id).map_err(other)? {
                Some(body) => Ok(Source::Memory(body)),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    /// Removes a blob, if it is there.
    pub(crate) fn remove(&self, id: BlobId) -> io::Result<()> {
        match self {
            Home::Folder(folder, _) => folder.remove(id),
            Home::Memory(disk) => disk.remove_blob(id).map_err(other),
        }
    }

    /// All blobs that a start made.
    pub(crate) fn ids_of(&self, start: u32) -> io::Result<Vec<BlobId>> {
        match self {
            Home::Folder(folder, _) => folder.ids_of(start),
            Home::Memory(disk) => disk.blobs_of(start).map_err(other),
        }
    }

    /// How long the next operation is to be waited for: on simulated disks only.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Home::Folder(..) => None,
            Home::Memory(disk) => disk.next_delay(),
        }
    }

    /// Whether a write may go on while the next chunk gathers.
    pub(crate) fn is_blocking(&self) -> bool {
        matches!(self, Home::Folder(..))
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

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_work_that_nobody_waits_for() {
        let ending = Arc::<Ending>::default();
        let home = Home::Folder(Folder::new("unused".into()), Arc::clone(&ending));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        let work = home.run(move || {
            let _ = begun.send(());
            let _ = may_go_on.recv();
            let _ = done.send(());
            Ok(())
        });
        tokio::select! {
            _ = work => unreachable!("it was not told to go on"),
            begun = has_begun => begun.unwrap(),
        }
        let mut end = pin!(ending.worked());
        assert!(end.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        go_on.send(()).unwrap();
        end.await;
        assert!(is_done.try_recv().is_ok(), "it ended before the store did");
    }
}
