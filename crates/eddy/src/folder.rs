//! The data folder as the verbs see it: where the server is, and the key to talk to it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file in which a serving eddy says where it listens.
const SERVER_FILE: &str = "server.json";

/// Where the server of a data folder is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    pub address: SocketAddr,
    pub pid: u32,
}

/// Why the server of a data folder cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no eddy serves {}: start one with `{}`", .0.display(), command("up", .0))]
    NotServing(PathBuf),
    #[error("--listen says {asked}, but the eddy of {} listens on {serving}", folder.display())]
    Elsewhere { folder: PathBuf, asked: SocketAddr, serving: SocketAddr },
    #[error("{}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
}

/// A verb of this very program over a data folder, as it runs when pasted into a shell.
pub fn command(verb: &str, data: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("eddy"));
    format!("{} {verb} --data {}", quoted(&program), quoted(data))
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

impl Server {
    /// Says where this process listens. Removed by [`Server::retract`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(folder: &Path, address: SocketAddr) -> io::Result<Server> {
        let server = Server { address, pid: std::process::id() };
        let scratch = folder.join(".server.json.new");
        let text = serde_json::to_vec(&server).map_err(io::Error::other)?;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&scratch)?;
        file.write_all(&text)?;
        std::fs::rename(scratch, folder.join(SERVER_FILE))?;
        Ok(server)
    }

    /// Takes the announcement back.
    pub fn retract(folder: &Path) {
        if let Err(why) = std::fs::remove_file(folder.join(SERVER_FILE)) {
            tracing::debug!(%why, "no announcement to take back");
        }
    }

    /// Finds the server of a data folder; `asked` must agree when given.
    ///
    /// # Errors
    /// When nothing serves the folder, or something else than was asked for does.
    pub fn find(folder: &Path, asked: Option<SocketAddr>) -> Result<Server, Error> {
        let path = folder.join(SERVER_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NotServing(folder.into()));
            }
            Err(why) => return Err(Error::Unreadable { path, why: why.to_string() }),
        };
        let server: Server = serde_json::from_slice(&text)
            .map_err(|why| Error::Unreadable { path: path.clone(), why: why.to_string() })?;
        // A server that was killed left its announcement behind.
        if !Path::new("/proc").join(server.pid.to_string()).exists() {
            return Err(Error::NotServing(folder.into()));
        }
        match asked {
            Some(asked) if asked != server.address => {
                Err(Error::Elsewhere { folder: folder.into(), asked, serving: server.address })
            }
            _ => Ok(server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in
            [("/a/b-c_1.d", "/a/b-c_1.d"), ("/a b/c", "'/a b/c'"), ("/it's", "'/it'\\''s'"), ("/$x", "'/$x'")]
        {
            assert_eq!(quoted(Path::new(path)), word);
        }
        assert!(command("env", Path::new("/a b")).ends_with(" env --data '/a b'"));
    }

    #[test]
    fn what_is_announced_is_found_until_it_is_retracted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = SocketAddr::from(([127, 0, 0, 1], 4999));
        Server::announce(folder.path(), address).expect("the folder is writable");
        let found = Server::find(folder.path(), None).expect("this process is alive");
        assert_eq!((found.address, found.pid), (address, std::process::id()));
        let other = SocketAddr::from(([127, 0, 0, 1], 5000));
        assert!(matches!(Server::find(folder.path(), Some(other)), Err(Error::Elsewhere { .. })));
        Server::retract(folder.path());
        assert!(matches!(Server::find(folder.path(), None), Err(Error::NotServing(_))));
    }

    #[test]
    fn the_announcement_of_a_dead_process_does_not_count() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Process ids stop at 2^22 on 64-bit Linux.
        let text = r#"{"address":"127.0.0.1:4566","pid":4194305}"#;
        std::fs::write(folder.path().join("server.json"), text).expect("the folder is writable");
        assert!(matches!(Server::find(folder.path(), None), Err(Error::NotServing(_))));
    }
}
