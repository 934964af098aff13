//! A package on its way in: to a file for unpacking, through the hash, and into a blob of the store.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::env::blocking;
use eddy_base::{Env, Fault};
use eddy_store::{BlobId, BlobWriter};
use ring::digest;

use super::{Bad, Folder, Packages};
use crate::error::Error;
use crate::function::{Code, Hash};
use crate::limits::PACKAGE_BYTES_MAX;

/// A package that is being received. Dropped before [`Upload::finish`], it leaves nothing.
pub struct Upload {
    receiving: Receiving,
    blob: BlobWriter,
}

/// A package that is checked, unpacked and stored, and that a function may name.
pub struct Package {
    code: Code,
    /// Keeps the folder until a row does.
    folder: Arc<Folder>,
}

/// The part of receiving that unpacking needs.
pub(super) struct Receiving {
    packages: Packages,
    path: PathBuf,
    /// Away while a blocking task writes.
    work: Option<Work>,
    size_bytes: u64,
}

struct Work {
    file: File,
    digest: digest::Context,
}

/// What unpacking found out.
pub(super) struct Unpacked {
    pub(super) hash: Hash,
    pub(super) size_bytes: u64,
    pub(super) unpacked_bytes: u64,
}

impl Upload {
    pub(super) fn new(receiving: Receiving, blob: BlobWriter) -> Upload {
        Upload { receiving, blob }
    }

    /// Takes the next bytes of the zip.
    ///
    /// # Errors
    /// `TooLarge` about a package beyond [`PACKAGE_BYTES_MAX`]; `NoRoom`.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Fault> {
        self.receiving.add(bytes.clone()).await?;
        self.blob.write(bytes).await?;
        Ok(())
    }

    /// Checks and unpacks the package and keeps its zip. Both are synced when this returns.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` about a package that cannot be used, with what is wrong in the message; `NoRoom`.
    pub async fn finish(self) -> Result<Package, Fault> {
        let (unpacked, folder) = self.receiving.unpack().await?;
        let blob: BlobId = self.blob.finish().await?;
        let Unpacked { hash, size_bytes, unpacked_bytes } = unpacked;
        Ok(Package { code: Code { hash, size_bytes, unpacked_bytes, blob }, folder })
    }

    /// Checks the package as [`Upload::finish`] does, and keeps nothing. Gives its hash and the size of the zip.
    ///
    /// # Errors
    /// As [`Upload::finish`].
    pub async fn check(self) -> Result<(Hash, u64), Fault> {
        let (unpacked, _folder) = self.receiving.unpack().await?;
        Ok((unpacked.hash, unpacked.size_bytes))
    }
}

impl Package {
    pub fn code(&self) -> &Code {
        &self.code
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Receiving {
    pub(super) async fn begin(packages: Packages, path: PathBuf) -> Result<Receiving, Error> {
        let at = path.clone();
        let open = move || {
            File::options().read(true).write(true).create_new(true).mode(0o600).open(at).map_err(Bad::Io)
        };
        let file = aside(packages.env(), open).await?;
        let work = Some(Work { file, digest: digest::Context::new(&digest::SHA256) });
        Ok(Receiving { packages, path, work, size_bytes: 0 })
    }

    pub(super) async fn add(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > PACKAGE_BYTES_MAX {
            return Err(Bad::TooLarge.into());
        }
        let mut work = self.take_work()?;
        let write = move || {
            work.digest.update(&bytes);
            work.file.write_all(&bytes)?;
            Ok(work)
        };
        self.work = Some(aside(self.packages.env(), write).await?);
        Ok(())
    }

    /// The folder is held before it exists, so that nobody deletes it in between.
    pub(super) async fn unpack(mut self) -> Result<(Unpacked, Arc<Folder>), Error> {
        let mut work = self.take_work()?;
        let packages = self.packages.clone();
        let hash = Hash(work.digest.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"));
        let folder = packages.hold(hash);
        let unpack = move || packages.unpack(&mut work.file, hash);
        let unpacked_bytes = aside(self.packages.env(), unpack).await?;
        Ok((Unpacked { hash, size_bytes: self.size_bytes, unpacked_bytes }, folder))
    }

    fn take_work(&mut self) -> Result<Work, Error> {
        // It is away only when a call before was dropped or failed half-way.
        self.work.take().ok_or_else(|| Error::Fault(Fault::internal("the package was not received whole")))
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "a received package could not be deleted; the next start tries again");
        }
    }
}

/// Runs what waits for the disk, or long for the processor, where it stops nobody.
async fn aside<T: Send + 'static>(
    env: &Arc<dyn Env>,
    work: impl FnOnce() -> Result<T, Bad> + Send + 'static,
) -> Result<T, Error> {
    match blocking(env, work).await {
        Ok(result) => result.map_err(Error::Package),
        Err(error) => {
            tracing::error!(%error, "handling a package failed");
            Err(Error::Fault(Fault::internal("the package could not be handled")))
        }
    }
}
