//! A body on its way in: kept in memory while it is small, in a blob when it is not.

use bytes::{Bytes, BytesMut};
use eddy_base::Id;
use eddy_store::{BlobId, BlobWriter, INLINE_BYTES_MAX, Store};
use md5::{Digest, Md5};

use crate::checksum::{Algorithm, Checksum, Coverage, Hasher};
use crate::cipher::{Cipher, Pass};
use crate::error::Error;
use crate::limits::UPLOAD_BYTES_MAX;
use crate::rows::{Body, Extent};

/// Takes a body piece by piece. Dropping it leaves nothing behind.
pub struct Writer {
    store: Store,
    cipher: Cipher,
    place: Place,
    size: u64,
}

enum Place {
    Memory(BytesMut),
    Blob(Box<Blob>),
}

/// A blob that is being written, encrypted on the way.
struct Blob {
    writer: BlobWriter,
    pass: Pass,
}

/// What is computed of all bytes of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    pub md5: [u8; 16],
    pub checksum: Checksum,
}

/// Computes [`Digests`] while bytes flow by. Apart from the [`Writer`], because whoever receives a body may have to
/// hash it anyway, to hold it against what the sender announced.
pub struct Digester {
    md5: Md5,
    algorithm: Algorithm,
    checksum: Hasher,
}

/// A body that has arrived whole and is on disk, or small enough to be written with its row. It is no object yet:
/// [`crate::Objects::put`] or [`crate::Objects::put_part`] makes it one, or removes it when that is refused.
pub struct Content {
    /// Bytes.
    pub size: u64,
    pub digests: Digests,
    pub(crate) kept: Kept,
}

/// The bytes of a [`Content`].
pub(crate) enum Kept {
    Inline { bytes: Bytes, salt: Id },
    Blob(BlobId),
}

impl Writer {
    pub(crate) fn new(store: Store, cipher: Cipher) -> Writer {
        Writer { store, cipher, place: Place::Memory(BytesMut::new()), size: 0 }
    }

    /// # Errors
    /// [`Error::TooLarge`] as soon as the limit of one upload is passed; whatever the store says.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.size > UPLOAD_BYTES_MAX {
            return Err(Error::TooLarge { limit_bytes: UPLOAD_BYTES_MAX });
        }
        match &mut self.place {
            Place::Blob(blob) => blob.write(bytes).await?,
            Place::Memory(buffer) if buffer.len() + bytes.len() <= INLINE_BYTES_MAX => {
                buffer.extend_from_slice(&bytes);
            }
            Place::Memory(_) => self.spill().await?.write(bytes).await?,
        }
        Ok(())
    }

    /// Moves what stands in memory into a blob.
    async fn spill(&mut self) -> Result<&mut Blob, Error> {
        if let Place::Memory(buffer) = &mut self.place {
            let writer = self.store.blobs().create()?;
            let pass = self.cipher.blob(writer.id(), 0);
            let mut blob = Box::new(Blob { writer, pass });
            blob.write(std::mem::take(buffer).freeze()).await?;
            self.place = Place::Blob(blob);
        }
        match &mut self.place {
            Place::Blob(blob) => Ok(blob),
            Place::Memory(_) => unreachable!("it was just moved"),
        }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the body and, for a large one, waits until it is on disk.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn finish(self, digests: Digests) -> Result<Content, Error> {
        let kept = match self.place {
            Place::Memory(buffer) => {
                let salt = Id::random(self.store.env().as_ref());
                Kept::Inline { bytes: self.cipher.row(salt).turn(buffer.freeze()), salt }
            }
            Place::Blob(blob) => Kept::Blob(blob.writer.finish().await?),
        };
        Ok(Content { size: self.size, digests, kept })
    }

    /// As [`Writer::finish`], but always into a blob: parts are never inline, so that an object's row stays small
    /// whatever it is put together from.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn finish_part(mut self, digests: Digests) -> Result<Content, Error> {
        self.spill().await?;
        self.finish(digests).await
    }
}

impl Blob {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.writer.write(self.pass.turn(bytes)).await?;
        Ok(())
    }
}

impl Content {
    /// How a row names these bytes.
    pub(crate) fn body(&self) -> Body {
        match &self.kept {
            Kept::Inline { bytes, salt } => {
                Body { inline: Some(bytes.clone()), salt: Some(*salt), ..Body::default() }
            }
            Kept::Blob(blob) => Body {
                extents: vec![Extent { blob: *blob, offset: 0, length: self.size, foreign: None }],
                ..Body::default()
            },
        }
    }

    /// The blob that the new row must hold.
    pub(crate) fn blob(&self) -> Option<BlobId> {
        match &self.kept {
            Kept::Inline { .. } => None,
            Kept::Blob(blob) => Some(*blob),
        }
    }
}

impl Digester {
    pub fn new(algorithm: Algorithm) -> Digester {
        Digester { md5: Md5::new(), algorithm, checksum: Hasher::new(algorithm) }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksum.update(bytes);
    }

    pub fn finish(self) -> Digests {
        let value = self.checksum.finish();
        let checksum = Checksum { algorithm: self.algorithm, coverage: Coverage::Whole, value };
        Digests { md5: self.md5.finalize().into(), checksum }
    }
}
