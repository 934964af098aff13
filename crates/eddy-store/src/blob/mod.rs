//! Bodies too large for rows: files of their own, named by rows that are committed after them.
//!
//! A blob is written and synced, its folder too, before the batch that first holds it; that batch is its commit.
//! Holds are counted in a row; the release of the last one writes a garbage row in the same batch, and the file is
//! removed afterwards. An id carries the number of the start that made it, so that after a crash only the blobs of
//! that start need be looked through for some that no row names.

mod files;
mod home;
mod ledger;
mod reader;
mod writer;

use std::sync::Arc;

use eddy_base::Env;
use tokio::sync::mpsc;

use crate::durable::Error;
use crate::ending::Ending;
use crate::engine::EngineError;
use crate::keeper::Chore;
use crate::room::{Level, Room};

pub(crate) use self::files::Folder;
pub(crate) use self::home::Home;
pub(crate) use self::ledger::{Ledger, Writing};
pub use self::reader::BlobReader;
pub use self::writer::BlobWriter;

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
    home: Home,
    start: u32,
    ledger: Ledger,
    room: Room,
    chores: mpsc::UnboundedSender<Chore>,
}

impl Blobs {
    pub(crate) fn new(
        env: Arc<dyn Env>,
        home: Home,
        start: u32,
        room: Room,
        chores: mpsc::UnboundedSender<Chore>,
    ) -> Blobs {
        let ledger = Ledger::default();
        Blobs { inner: Arc::new(Inner { env, home, start, ledger, room, chores }) }
    }

    /// Begins a blob. Nothing touches the disk before the first chunk is full.
    ///
    /// # Errors
    /// [`Error::NoRoom`] when the disk is nearly full, [`Error::Unavailable`] when the store is closed.
    pub fn create(&self) -> Result<BlobWriter, Error> {
        if self.inner.room.look() > Level::Plenty {
            return Err(Error::NoRoom);
        }
        let writing = self.inner.ledger.begin().ok_or(Error::Unavailable("the store is closed"))?;
        let id = BlobId::random(self.inner.start, &*self.inner.env);
        Ok(BlobWriter::new(Arc::clone(&self.inner), id, writing))
    }

    /// Reads a part of a blob. Make the reader while a row names the blob, and it can be read to its end.
    pub fn read(&self, id: BlobId, range: std::ops::Range<u64>) -> BlobReader {
        BlobReader::new(Arc::clone(&self.inner), id, range)
    }

    /// Removes a finished blob that no row will name, because the commit was refused. Does nothing to a blob that
    /// a row names.
    pub async fn discard(&self, id: BlobId) {
        if !self.inner.ledger.take(id) {
            return;
        }
        let (home, ledger) = (self.inner.home.clone(), self.ledger());
        let removed = self.inner.home.run(move || {
            home.remove(id)?;
            ledger.forget(&[id]);
            Ok(())
        });
        if let Err(error) = removed.await {
            tracing::warn!(blob = ?id, error = %error, "a discarded blob is left to the next start");
        }
    }

    pub(crate) fn start(&self) -> u32 {
        self.inner.start
    }

    pub(crate) fn home(&self) -> &Home {
        &self.inner.home
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.inner.ledger.clone()
    }

    /// Removes the files of those blobs that nobody reads, and says which. The others come back as a chore when
    /// their last reader is gone.
    pub(crate) async fn remove_unread(&self, mut ids: Vec<BlobId>) -> Result<Vec<BlobId>, Error> {
        ids.retain(|id| !self.inner.ledger.doom(*id));
        let (home, ledger) = (self.inner.home.clone(), self.ledger());
        let removed = self.inner.home.run(move || {
            for id in &ids {
                home.remove(*id)?;
            }
            ledger.forget(&ids);
            Ok(ids)
        });
        removed.await.map_err(|error| Error::Fatal(format!("a blob cannot be removed: {error}")))
    }

    /// Removes the blobs of an earlier start that are not needed, and says how many they were. None when the store
    /// ended before it was through.
    pub(crate) async fn sweep(
        &self,
        start: u32,
        is_needed: impl Fn(BlobId) -> Result<bool, EngineError> + Send + 'static,
        ending: Arc<Ending>,
    ) -> Result<Option<usize>, Error> {
        let home = self.inner.home.clone();
        let swept = self.inner.home.run(move || {
            let mut removed = 0;
            for id in home.ids_of(start)? {
                if ending.has_begun() {
                    return Ok(None);
                }
                if !is_needed(id).map_err(std::io::Error::other)? {
                    home.remove(id)?;
                    removed += 1;
                }
            }
            Ok(Some(removed))
        });
        swept.await.map_err(|error| Error::Fatal(format!("blobs cannot be swept: {error}")))
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

/// 32 hexadecimal digits, the name of its file.
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

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs").field("start", &self.inner.start).finish()
    }
}
