//! A folder of code as a zip: the same bytes for the same files, so that code that did not change is not deployed
//! again. Sorted, with fixed times; what interpreters and version control leave beside sources stays out.

use std::fs;
use std::io::{self, Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The largest folder, bytes before compression: Lambda's limit of an unpacked package.
const BYTES_MAX: u64 = 250 * 1024 * 1024;
/// Most files of a package.
const FILES_MAX: usize = 20_000;
/// The deepest that files lie.
const DEPTH_MAX: usize = 32;
/// Folders that are no code.
const LEFT_OUT: [&str; 4] = ["__pycache__", ".git", ".aws-sam", ".venv"];

/// Why a folder cannot be packaged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {why}", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("{} holds more than {} MiB or {FILES_MAX} files", .0.display(), BYTES_MAX >> 20)]
    TooLarge(PathBuf),
    #[error("{} lies more than {DEPTH_MAX} folders deep", .0.display())]
    TooDeep(PathBuf),
    #[error("{} is neither a file nor a folder", .0.display())]
    NoFile(PathBuf),
    #[error("the name of {} is not UTF-8", .0.display())]
    Name(PathBuf),
    #[error("cannot make the zip: {0}")]
    Zip(#[from] zip::result::ZipError),
}

/// Makes the zip of a folder; a path to a zip file gives that file.
///
/// # Errors
/// When something cannot be read, and when it is larger than a package may be.
pub fn zip(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |why| Error::Unreadable { path: path.to_path_buf(), why };
    if path.is_file() {
        return fs::read(path).map_err(unreadable);
    }
    let mut files = Vec::new();
    list(path, 0, &mut files)?;
    files.sort();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut bytes = 0;
    for file in files {
        let unreadable = |why| Error::Unreadable { path: file.clone(), why };
        let content = fs::read(&file).map_err(unreadable)?;
        bytes += content.len() as u64;
        if bytes > BYTES_MAX {
            return Err(Error::TooLarge(path.to_path_buf()));
        }
        let mode = fs::metadata(&file).map_err(unreadable)?.permissions().mode();
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
        // The default time is that of every zip of ours: 1980, the first that the format has.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(mode);
        zip.start_file(name, options)?;
        zip.write_all(&content).map_err(unreadable)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Makes the zip of code that stands in the template itself, in the file that its language begins with.
///
/// # Errors
/// When the zip cannot be made.
pub fn inline(text: &str, runtime: &str) -> Result<Vec<u8>, Error> {
    let name = if runtime.starts_with("nodejs") { "index.js" } else { "index.py" };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o644))?;
    let unreadable = |why| Error::Unreadable { path: PathBuf::from(name), why };
    zip.write_all(text.as_bytes()).map_err(unreadable)?;
    Ok(zip.finish()?.into_inner())
}

/// All files below a folder. Links are followed, as deep as folders can sensibly lie in each other.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |why| Error::Unreadable { path: folder.to_path_buf(), why };
    if depth > DEPTH_MAX {
        return Err(Error::TooDeep(folder.to_path_buf()));
    }
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default();
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let found = fs::metadata(&path).map_err(|why| Error::Unreadable { path: path.clone(), why })?;
        if found.is_dir() {
            list(&path, depth + 1, files)?;
        } else if !found.is_file() {
            return Err(Error::NoFile(path));
        } else if path.to_str().is_none() {
            return Err(Error::Name(path));
        } else if files.len() == FILES_MAX {
            return Err(Error::TooLarge(folder.to_path_buf()));
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("writable");
            fs::write(path, text).expect("writable");
        };
        write("app.py", "one");
        write("lib/b.py", "two");
        let first = zip(folder.path()).expect("readable");
        write("lib/__pycache__/b.pyc", "left out");
        write("app.py", "one");
        assert_eq!(zip(folder.path()).expect("readable"), first);
        write("app.py", "other");
        assert_ne!(zip(folder.path()).expect("readable"), first);
        assert!(matches!(zip(&folder.path().join("nothing")), Err(Error::Unreadable { .. })));
    }

    #[test]
    fn what_cannot_be_packed_is_refused() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let folder = || tempfile::tempdir().expect("a temporary folder");
        let circle = folder();
        symlink(circle.path(), circle.path().join("again")).expect("a link");
        assert!(matches!(zip(circle.path()), Err(Error::TooDeep(_) | Error::Unreadable { .. })));
        let dangling = folder();
        symlink("nowhere", dangling.path().join("link")).expect("a link");
        assert!(matches!(zip(dangling.path()), Err(Error::Unreadable { .. })));
        let socket = folder();
        let _listener = UnixListener::bind(socket.path().join("socket")).expect("a socket");
        assert!(matches!(zip(socket.path()), Err(Error::NoFile(_))));
        let named = folder();
        fs::write(named.path().join(OsStr::from_bytes(b"\xff")), "x").expect("writable");
        assert!(matches!(zip(named.path()), Err(Error::Name(_))));
    }
}
