//! Packages: the zip that somebody sent, and the folder that functions run from.
//!
//! A folder under `data/code` is named by the hash of its zip, never changes, and is whole if it is there: it is
//! unpacked elsewhere, synced, and then renamed. The zip itself is a blob of the store, so a folder that is
//! missing is made again from it; folders are a cache, the rows are the truth. A folder goes when no row names it
//! and nobody holds it.

pub(crate) mod archive;
mod upload;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eddy_base::env::blocking;
use eddy_base::{Env, Id};
use eddy_store::{Key, Store};
use tokio::sync::mpsc;

pub(crate) use archive::Bad;
pub use upload::{Package, Upload};

use crate::error::Error;
use crate::function::{Code, Hash};

/// Where unpacking happens, and what is to be deleted: emptied at every start.
const WORK: &str = "work";

/// All packages of this machine.
#[derive(Clone)]
pub(crate) struct Packages {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    store: Store,
    uses: Mutex<Uses>,
    /// Hashes that may have lost their last use; see [`Packages::collect`].
    doubtful: mpsc::UnboundedSender<Hash>,
}

/// The end at which [`Packages::sweep`] takes them.
pub(crate) type Doubtful = mpsc::UnboundedReceiver<Hash>;

/// Who needs which folder.
#[derive(Default)]
struct Uses {
    /// By the key of the function's row.
    rows: HashMap<Key, Hash>,
    /// Rows that were deleted before all were read: what is read of them later is out of date.
    gone: HashSet<Key>,
    held: HashMap<Hash, usize>,
    /// All rows of the store are in `rows`, so a hash that is not there is not used.
    complete: bool,
}

/// The folder of a package, kept while this lives.
pub(crate) struct Folder {
    hash: Hash,
    packages: Packages,
}

impl Packages {
    /// `folder` is made when it is missing.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn open(store: Store, folder: PathBuf) -> io::Result<(Packages, Doubtful)> {
        let work = folder.join(WORK);
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir_all(&work)?;
        let (doubtful, receiver) = mpsc::unbounded_channel();
        let shared = Shared { folder, store, uses: Mutex::default(), doubtful };
        Ok((Packages { shared: Arc::new(shared) }, receiver))
    }

    /// The folder that holds all others.
    pub(crate) fn root(&self) -> &Path {
        &self.shared.folder
    }

    /// Deletes folders as they fall out of use. Never ends by itself.
    pub(crate) async fn sweep(self, mut doubtful: Doubtful) {
        while let Some(hash) = doubtful.recv().await {
            let packages = self.clone();
            match blocking(self.env(), move || packages.collect(hash)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "an old package stays until the next start"),
                Err(error) => tracing::error!(%error, "deleting a package failed"),
            }
        }
    }

    /// The folder of a function's code, unpacked from the store's copy when it is not there.
    pub(crate) async fn folder(&self, code: &Code) -> Result<Arc<Folder>, Error> {
        let folder = self.hold(code.hash);
        if folder.path().is_dir() {
            return Ok(folder);
        }
        let mut upload = self.receive().await?;
        let mut reader = self.shared.store.blobs().read(code.blob, 0..code.size_bytes);
        while let Some(bytes) = reader.next().await? {
            upload.add(bytes).await?;
        }
        let (unpacked, _) = upload.unpack().await?;
        if unpacked.hash != code.hash {
            tracing::error!(hash = code.hash.hex(), "the stored copy of a package is damaged");
            return Err(Error::Fault(eddy_base::Fault::internal("the stored package is damaged")));
        }
        Ok(folder)
    }

    /// Begins to receive a package that nobody needs to keep.
    async fn receive(&self) -> Result<upload::Receiving, Error> {
        let path = self.work_path("zip");
        upload::Receiving::begin(self.clone(), path).await
    }

    /// Begins to receive a package that is to be kept.
    pub(crate) async fn upload(&self) -> Result<Upload, Error> {
        Ok(Upload::new(self.receive().await?, self.shared.store.blobs().create()?))
    }

    /// Says what a row names from now on.
    pub(crate) fn row_changed(&self, key: &Key, now: Option<Hash>) {
        let before = {
            let mut uses = self.uses();
            match now {
                Some(hash) => uses.rows.insert(key.clone(), hash),
                None => {
                    if !uses.complete {
                        uses.gone.insert(key.clone());
                    }
                    uses.rows.remove(key)
                }
            }
        };
        if let Some(before) = before.filter(|before| Some(*before) != now) {
            self.doubt(before);
        }
    }

    /// Says what a row named when all rows were read, unless it has changed since.
    pub(crate) fn row_read(&self, key: Key, hash: Hash) {
        let mut uses = self.uses();
        if !uses.gone.contains(&key) {
            uses.rows.entry(key).or_insert(hash);
        }
    }

    /// Says that every row is known now, so that the folders that none of them names can go. Blocks.
    pub(crate) fn rows_complete(&self) -> io::Result<()> {
        {
            let mut uses = self.uses();
            uses.complete = true;
            uses.gone.clear();
        }
        let mut there = Vec::new();
        for entry in fs::read_dir(&self.shared.folder)? {
            there.extend(entry?.file_name().to_str().and_then(Hash::from_hex));
        }
        // A disk lists in no order, and nothing here may hang on one.
        there.sort_unstable_by_key(|hash: &Hash| hash.0);
        there.into_iter().for_each(|hash| self.doubt(hash));
        Ok(())
    }

    fn hold(&self, hash: Hash) -> Arc<Folder> {
        *self.uses().held.entry(hash).or_default() += 1;
        Arc::new(Folder { hash, packages: self.clone() })
    }

    fn doubt(&self, hash: Hash) {
        // Nobody sweeps any more when the server stops; the next start looks at every folder.
        let _ = self.shared.doubtful.send(hash);
    }

    /// Deletes the folder when nothing needs it. Blocks. The rename happens under the lock, so whoever holds the
    /// hash after it finds no folder and makes one.
    fn collect(&self, hash: Hash) -> io::Result<()> {
        let trash = self.work_path("old");
        {
            let uses = self.uses();
            let used = uses.held.contains_key(&hash) || uses.rows.values().any(|row| *row == hash);
            if !uses.complete || used {
                return Ok(());
            }
            match fs::rename(self.path(hash), &trash) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                other => other?,
            }
        }
        fs::remove_dir_all(&trash)
    }

    fn path(&self, hash: Hash) -> PathBuf {
        self.shared.folder.join(hash.hex())
    }

    fn work_path(&self, what: &str) -> PathBuf {
        self.shared.folder.join(WORK).join(format!("{}.{what}", Id::random(&**self.env())))
    }

    fn env(&self) -> &Arc<dyn Env> {
        self.shared.store.env()
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.shared.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unpacks a zip and gives its folder its name, unless it has one already. Blocks.
    fn unpack(&self, zip: &mut File, hash: Hash) -> Result<u64, Bad> {
        let work = self.work_path("new");
        fs::create_dir(&work)?;
        fs::set_permissions(&work, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let result = unpack_into(zip, &work);
        if result.is_err() || self.path(hash).is_dir() {
            fs::remove_dir_all(&work)?;
            return result;
        }
        match fs::rename(&work, self.path(hash)) {
            // Somebody else was faster with the same package.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(&work)?,
            other => other?,
        }
        File::open(&self.shared.folder)?.sync_all()?;
        result
    }
}

/// One sync for the whole file system: a package may have thousands of files.
fn unpack_into(zip: &mut File, folder: &Path) -> Result<u64, Bad> {
    zip.seek(io::SeekFrom::Start(0))?;
    let bytes = archive::unpack(io::BufReader::new(&mut *zip), folder)?;
    rustix::fs::syncfs(File::open(folder)?).map_err(io::Error::from)?;
    Ok(bytes)
}

impl Folder {
    pub(crate) fn path(&self) -> PathBuf {
        self.packages.path(self.hash)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut uses = self.packages.uses();
        let Some(count) = uses.held.get_mut(&self.hash) else { return };
        *count -= 1;
        if *count == 0 {
            uses.held.remove(&self.hash);
            self.packages.doubt(self.hash);
        }
    }
}
