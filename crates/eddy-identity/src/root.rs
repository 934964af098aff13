//! The root key: one file in the data folder, made at the first start, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Env;

use crate::token::random_key;

/// The file's name in the data folder.
pub const FILE: &str = "root.key";

/// The key that may do everything, and the one that seals tokens. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey {
    pub access_key: String,
    pub secret_key: String,
    pub(crate) sealing_key: [u8; 32],
}

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{0} is not a root key: it needs the lines access_key_id, secret_access_key and sealing_key")]
    Malformed(PathBuf),
    #[error("{path} can be read by others (mode {mode:o}): chmod 600 {path}")]
    Open { path: PathBuf, mode: u32 },
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl RootKey {
    /// Reads the key of a data folder. `None`: there is none yet.
    ///
    /// # Errors
    /// [`Error`]: the file cannot be read, is no key, or can be read by others.
    pub fn read(folder: &Path) -> Result<Option<RootKey>, Error> {
        let path = folder.join(FILE);
        let wrap = |source| Error::Io { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrap(error)),
        };
        let mode = file.metadata().map_err(wrap)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::Open { path, mode });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(wrap)?;
        RootKey::parse(&text).map(Some).ok_or(Error::Malformed(path))
    }

    /// Reads the key, or makes it where there is none.
    ///
    /// # Errors
    /// As [`RootKey::read`], and when the file cannot be written.
    pub fn read_or_make(folder: &Path, env: &dyn Env) -> Result<RootKey, Error> {
        if let Some(key) = RootKey::read(folder)? {
            return Ok(key);
        }
        let key = RootKey::random(env);
        let path = folder.join(FILE);
        key.write(folder).map_err(|source| Error::Io { path, source })?;
        tracing::info!(access_key = key.access_key, "made a root key");
        Ok(key)
    }

    fn random(env: &dyn Env) -> RootKey {
        let (mut secret, mut sealing_key) = ([0; 30], [0; 32]);
        env.fill_random(&mut secret);
        env.fill_random(&mut sealing_key);
        RootKey { access_key: random_key("AKIA", env), secret_key: BASE64.encode(secret), sealing_key }
    }

    fn parse(text: &str) -> Option<RootKey> {
        let field = |name: &str| {
            text.lines().find_map(|line| {
                let (found, value) = line.split_once('=')?;
                (found.trim() == name && !value.trim().is_empty()).then(|| value.trim())
            })
        };
        // The values are base64 and so may hold `=`, but never before the first one of the line.
        let sealing_key = BASE64.decode(field("sealing_key")?).ok()?;
        Some(RootKey {
            access_key: field("access_key_id")?.to_owned(),
            secret_key: field("secret_access_key")?.to_owned(),
            sealing_key: sealing_key.try_into().ok()?,
        })
    }

    /// Whole or not at all: a new file, synced, takes the name.
    fn write(&self, folder: &Path) -> io::Result<()> {
        let draft = folder.join(format!("{FILE}.new"));
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let text = format!(
            "# The root key of this eddy. Whoever reads this file may do everything with what is in this folder.\n\
             access_key_id = {}\nsecret_access_key = {}\nsealing_key = {}\n",
            self.access_key,
            self.secret_key,
            BASE64.encode(self.sealing_key)
        );
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, folder.join(FILE))?;
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eddy_base::System;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let env = System::default();
        let made = RootKey::read_or_make(folder.path(), &env).unwrap();
        assert_eq!(RootKey::read_or_make(folder.path(), &env).unwrap(), made);
        assert_eq!((made.access_key.len(), made.secret_key.len()), (20, 40));
        assert!(made.access_key.starts_with("AKIA"));
        assert!(!format!("{made:?}").contains(&made.secret_key));
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(RootKey::read(folder.path()), Err(Error::Open { mode: 0o644, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "access_key_id = AKIA\n").unwrap();
        assert!(matches!(RootKey::read_or_make(folder.path(), &env), Err(Error::Malformed(_))));
    }
}
