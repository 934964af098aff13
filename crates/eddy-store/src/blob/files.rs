//! Blobs as files: `blobs/START/XX/ID`, START the number of the start, XX the last byte of the id.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::BlobId;

#[derive(Clone)]
pub(crate) struct Folder {
    root: Arc<Path>,
    /// Folders of this run that are known to be on disk.
    made: Arc<Mutex<HashSet<PathBuf>>>,
}

/// A blob's file while it is written. Removes it when dropped before [`Sink::finish`].
pub(crate) struct Sink {
    folder: Folder,
    path: PathBuf,
    file: Option<File>,
    unsynced_bytes: usize,
    is_kept: bool,
}

pub(crate) struct Source(File);

/// How much is left to the page cache before it is pushed to the disk, so that the last sync finds little to do.
const SYNC_EVERY_BYTES: usize = 8 * 1024 * 1024;

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Folder {
        Folder { root: root.into(), made: Arc::default() }
    }

    pub(crate) fn sink(&self, id: BlobId) -> Sink {
        Sink { folder: self.clone(), path: self.path(id), file: None, unsynced_bytes: 0, is_kept: false }
    }

    pub(crate) fn open(&self, id: BlobId) -> io::Result<Source> {
        File::open(self.path(id)).map(Source)
    }

    /// Removes a blob, if it is there, and the folders that it leaves empty, unless this run writes into them.
    pub(crate) fn remove(&self, id: BlobId) -> io::Result<()> {
        let path = self.path(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = parent(&path)?;
        let start_folder = parent(folder)?;
        if made.iter().all(|made| !made.starts_with(start_folder)) {
            // Fails while something is left in it.
            let _ = fs::remove_dir(folder).and_then(|()| fs::remove_dir(start_folder));
        }
        Ok(())
    }

    /// All blobs of one start.
    pub(crate) fn ids_of(&self, start: u32) -> io::Result<Vec<BlobId>> {
        let mut ids = Vec::new();
        for folder in entries(&self.start_folder(start))? {
            for file in entries(&folder)? {
                ids.extend(parse(&file));
            }
        }
        ids.sort();
        Ok(ids)
    }

    fn start_folder(&self, start: u32) -> PathBuf {
        self.root.join(format!("{start:08x}"))
    }

    fn path(&self, id: BlobId) -> PathBuf {
        let [.., last] = *id.as_bytes();
        self.start_folder(id.start()).join(format!("{last:02x}")).join(format!("{id:?}"))
    }

    /// Makes the folder of a blob and syncs its parents, once per run.
    fn make(&self, folder: &Path) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.contains(folder) {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        for parent in folder.ancestors().skip(1) {
            sync_folder(parent)?;
            if parent == &*self.root {
                break;
            }
        }
        made.insert(folder.to_path_buf());
        Ok(())
    }
}

impl Sink {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file()?;
        file.write_all(bytes)?;
        self.unsynced_bytes += bytes.len();
        if self.unsynced_bytes >= SYNC_EVERY_BYTES {
            self.unsynced_bytes = 0;
            self.file()?.sync_data()?;
        }
        Ok(())
    }

    /// Syncs the file and the folder that names it.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file()?.sync_data()?;
        sync_folder(parent(&self.path)?)?;
        self.is_kept = true;
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.folder.make(parent(&self.path)?)?;
            self.file = Some(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?);
        }
        self.file.as_mut().ok_or(io::Error::other("the file was just opened"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.file.is_some() && !self.is_kept {
            // A file that stays is found after the next unclean end.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Source {
    /// Exactly `bytes` bytes from an offset on.
    pub(crate) fn read(&self, offset: u64, bytes: usize) -> io::Result<Bytes> {
        let mut piece = vec![0; bytes];
        self.0.read_exact_at(&mut piece, offset)?;
        Ok(piece.into())
    }
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What is in a folder; nothing when there is no such folder.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// The id that a file is named by.
fn parse(file: &Path) -> Option<BlobId> {
    let name = file.file_name()?.to_str()?;
    let number = u128::from_str_radix(name, 16).ok().filter(|_| name.len() == 32)?;
    Some(BlobId::from_bytes(number.to_be_bytes()))
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or(io::Error::other("a blob lies in a folder"))
}
