//! The data folder: who may use it, and what version of the store wrote it.
//!
//! `lock` names the process that has it open, `format` the version of the layout, `mark` how far the store had
//! come, `ballast` is room in reserve, `rows` is the engine's, `blobs` the large bodies. Folders are 0700, files
//! 0600. Other files in the folder are not the store's business.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::umask;
use rustix::thread::{self, UnshareFlags};

use crate::open::OpenError;

/// The data folder while this process has it. Dropping it lets the next one in.
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
    /// No store was ever made here: the format is not written yet.
    is_new: bool,
}

/// The layout that this version writes. A newer one is refused by its number.
const FORMAT: u32 = 1;

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Folder, OpenError> {
        let failed = |error| OpenError::Io { path: path.to_path_buf(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = lock(path)?;
        let is_new = match read_format(path).map_err(failed)? {
            None => true,
            Some(Ok(FORMAT)) => false,
            Some(Ok(found)) if found > FORMAT => {
                return Err(OpenError::Newer { path: path.to_path_buf(), found, known: FORMAT });
            }
            Some(Ok(_)) | Some(Err(())) => {
                let reason = "its format file is not one of ours".into();
                return Err(OpenError::Damaged { path: path.to_path_buf(), reason });
            }
        };
        for name in ["rows", "blobs"] {
            let inner = path.join(name);
            DirBuilder::new().recursive(true).mode(0o700).create(&inner).map_err(failed)?;
            fs::set_permissions(&inner, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        Ok(Folder { path: path.to_path_buf(), lock, is_new })
    }

    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes room for new rows where an unfinished first start left some that cannot be read. They are kept, since
    /// nothing is thrown away that somebody may want to look at.
    pub(crate) fn put_rows_aside(&self) -> io::Result<()> {
        let (rows, aside) = (self.path.join("rows"), self.path.join("rows.unfinished"));
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::rename(&rows, aside)?;
        DirBuilder::new().mode(0o700).create(&rows)
    }

    /// Says that there is a store in it, and has it on disk with the names of all folders that it lies in. The last
    /// step of making one: before it nothing is acknowledged.
    pub(crate) fn seal(&mut self) -> io::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let (draft, path) = (self.path.join("format.new"), self.path.join("format"));
        let mut file = private(&draft)?;
        file.write_all(format!("eddy store format {FORMAT}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(&self.path)?.sync_all()?;
        sync_names(&self.path)?;
        self.is_new = false;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that was forked and has not yet called exec holds it too.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// From now on this thread, and those it starts, make files and folders for the owner only. The engine knows no modes,
/// and the process's own mask is not ours to change: it makes files for others too.
#[expect(deprecated, reason = "it is safe for this flag; the safe name is deprecated for another")]
pub(crate) fn keep_private() {
    // Where this is not allowed, the folder's own mode still keeps others out.
    if thread::unshare(UnshareFlags::FS).is_ok() {
        umask(Mode::RWXG | Mode::RWXO);
    }
}

/// Opens a file for the owner only, empty.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Has the names of a folder and of all that it lies in on disk, whoever made them: without its name there, a folder
/// is gone after a power cut with all that was synced inside it.
fn sync_names(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    for holder in folder.ancestors().skip(1) {
        match File::open(holder).and_then(|holder| holder.sync_all()) {
            // Nobody who may not read it, or not write on its disk, has just made something in it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) => {}
            synced => synced?,
        }
    }
    Ok(())
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let failed = |error: io::Error| OpenError::Io { path: path.clone(), error };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(failed(error.into()));
        }
        let mut pid = String::new();
        let _ = file.read_to_string(&mut pid);
        return Err(OpenError::InUse { path: folder.to_path_buf(), pid: pid.trim().parse().ok() });
    }
    file.set_len(0).map_err(failed)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
    Ok(file)
}

/// None when there is no such file, an error in the middle when it says nothing we know.
fn read_format(folder: &Path) -> io::Result<Option<Result<u32, ()>>> {
    let text = match fs::read_to_string(folder.join("format")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Some(Err(()))),
        Err(error) => return Err(error),
    };
    let number = text.trim().strip_prefix("eddy store format ").and_then(|number| number.parse().ok());
    Ok(Some(number.ok_or(())))
}
