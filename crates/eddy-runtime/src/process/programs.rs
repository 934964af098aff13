//! The programs of the system that a guest may run: the shell, the core utilities and a few more.
//!
//! Handlers run `ls`, `id` or `curl` because Lambda's image has them. A jail shows only what is named, and each
//! thing that is named costs its start some microseconds; so the programs are copied into one folder, once, and that
//! folder is shown as `/usr/bin`. The copies belong to eddy and have no rights of their own, whatever those of the
//! system have. What the system lacks is left out.

use std::collections::HashMap;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::python::Interpreter;

/// Where a guest has them; `/bin` is a link to it.
pub(super) const INSIDE: &str = "/usr/bin";

/// Where a system may have them.
const FOLDERS: [&str; 2] = ["/usr/bin", "/bin"];

/// What Lambda's image of Python has, and what scripts of other images need. `docs/security.md` has the same list,
/// which a test holds.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "[", "awk", "b2sum", "base32", "base64", "basename", "bash", "cat", "chgrp", "chmod", "chown", "cksum", "comm",
    "cp", "csplit", "curl", "cut", "date", "dd", "df", "dir", "dircolors", "dirname", "du", "echo", "egrep", "env",
    "expand", "expr", "factor", "false", "fgrep", "find", "fmt", "fold", "gawk", "getent", "grep", "groups",
    "gunzip", "gzip", "head", "hostname", "iconv", "id", "install", "join", "kill", "link", "ln", "locale",
    "logname", "ls", "md5sum", "mkdir", "mkfifo", "mktemp", "mv", "nice", "nl", "nohup", "nproc", "numfmt", "od",
    "paste", "pathchk", "pr", "printenv", "printf", "ps", "ptx", "pwd", "readlink", "realpath", "rm", "rmdir",
    "sed", "seq", "sh", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shred", "shuf", "sleep",
    "sort", "split", "stat", "stty", "sum", "sync", "tac", "tail", "tar", "tee", "test", "timeout", "touch", "tr",
    "true", "truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink", "vdir", "wc", "which", "whoami",
    "xargs", "yes", "zcat",
];

/// Those of this system, where it has them.
pub(super) fn of_system() -> impl Iterator<Item = (&'static str, PathBuf)> {
    NAMES.iter().filter_map(|name| {
        let path = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())?;
        Some((*name, path))
    })
}

/// Copies the programs of the system into a folder, with room for its interpreters. What is there and the same
/// already is left as it is.
///
/// # Errors
/// When the folder cannot be written. A program that cannot be read is left out.
pub(super) fn gather(folder: &Path, pythons: &[Arc<Interpreter>]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    // Where one program answers to many names it is copied once.
    let mut copied: HashMap<(u64, u64), PathBuf> = HashMap::new();
    for (name, from) in of_system() {
        let Ok(source) = fs::metadata(&from) else { continue };
        let to = folder.join(name);
        match copied.get(&(source.dev(), source.ino())) {
            Some(first) => link(first, &to)?,
            None if fs::metadata(&to).is_ok_and(|copy| is_same(&copy, &source)) => {}
            None => match copy(&from, &source, &to) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
                outcome => outcome?,
            },
        }
        copied.entry((source.dev(), source.ino())).or_insert(to);
    }
    pythons.iter().try_for_each(|python| make_room(folder, python))
}

/// An interpreter of the system is laid over its own name in `/usr/bin`, so that name must be there.
fn make_room(folder: &Path, python: &Interpreter) -> io::Result<()> {
    match (python.executable.parent(), python.executable.file_name()) {
        (Some(parent), Some(name)) if python.is_of_system() && parent == Path::new(INSIDE) => {
            let place = folder.join(name);
            if place.exists() { Ok(()) } else { fs::write(place, b"") }
        }
        _ => Ok(()),
    }
}

/// A copy has the time of its source, which it is given last.
fn is_same(copy: &Metadata, source: &Metadata) -> bool {
    copy.len() == source.len() && (copy.mtime(), copy.mtime_nsec()) == (source.mtime(), source.mtime_nsec())
}

/// In one step, since guests may be running what was there before.
fn copy(from: &Path, source: &Metadata, to: &Path) -> io::Result<()> {
    let half = to.with_added_extension("new");
    fs::copy(from, &half)?;
    fs::set_permissions(&half, Permissions::from_mode(0o755))?;
    fs::File::open(&half)?.set_modified(source.modified()?)?;
    fs::rename(&half, to)
}

fn link(first: &Path, to: &Path) -> io::Result<()> {
    if let (Ok(one), Ok(other)) = (fs::metadata(first), fs::metadata(to)) {
        if (one.dev(), one.ino()) == (other.dev(), other.ino()) {
            return Ok(());
        }
        fs::remove_file(to)?;
    }
    fs::hard_link(first, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_no_rights_and_are_made_once() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let folder = folder.path().join("programs");
        gather(&folder, &[]).expect("it can be written");
        let of = |name: &str| fs::metadata(folder.join(name)).expect("every system has it");
        assert_eq!(of("ls").mode() & 0o7777, 0o755);
        fs::write(folder.join("cat"), b"not a cat").expect("it is ours");
        let first = of("ls").ino();
        gather(&folder, &[]).expect("it can be written");
        assert_eq!(of("ls").ino(), first, "what is there is not copied again");
        assert!(of("cat").len() > 1000, "what was changed is");
    }

    #[test]
    fn names_are_in_order_and_once() {
        assert!(NAMES.is_sorted_by(|a, b| a < b));
    }
}
