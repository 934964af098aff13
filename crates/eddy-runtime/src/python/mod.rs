//! Python guests: which interpreters are on the machine.
//!
//! People have them in many ways: from the distribution, pyenv, uv, or a folder on the path. Whatever is found is
//! run once, to ask what it really is: a version manager's shim or a virtual environment resolves to the
//! interpreter below it, and only that is ever given to a guest.

mod find;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::Error;

pub use find::Search;

/// The versions that functions may ask for, as 3.`minor`.
pub const MINORS: std::ops::RangeInclusive<u8> = 10..=15;

/// A CPython found on this machine, as it is below any shim or virtual environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Interpreter {
    /// 3.`minor`.
    pub minor: u8,
    /// `3.13.0`.
    pub version: String,
    /// The real executable.
    pub executable: PathBuf,
    /// What it calls its base prefix; bound into jails at this path.
    pub prefix: PathBuf,
    /// Its standard library.
    pub stdlib: PathBuf,
    /// Folders outside the prefix and the system's own that its modules link against.
    pub libraries: Vec<PathBuf>,
}

impl Interpreter {
    /// Does it share its prefix with other programs?
    pub fn is_of_system(&self) -> bool {
        [Path::new("/usr"), Path::new("/usr/local"), Path::new("/")].contains(&self.prefix.as_path())
    }
}

/// The interpreters of this machine. Looked for when first asked, then remembered.
#[derive(Debug)]
pub struct Interpreters {
    search: Search,
    found: OnceLock<Vec<Arc<Interpreter>>>,
}

impl Interpreters {
    pub fn new(search: Search) -> Interpreters {
        Interpreters { search, found: OnceLock::new() }
    }

    /// Those of this machine, where people have them.
    pub fn of_machine() -> Interpreters {
        Interpreters::new(Search::of_machine())
    }

    /// One for each version, newest first. The first call runs each candidate once: some tens of milliseconds.
    pub fn all(&self) -> &[Arc<Interpreter>] {
        self.found.get_or_init(|| self.search.run().into_iter().map(Arc::new).collect())
    }

    /// What [`Interpreters::all`] found, if somebody has asked already. Never blocks.
    pub fn known(&self) -> Option<&[Arc<Interpreter>]> {
        self.found.get().map(Vec::as_slice)
    }

    /// Python 3.`minor`.
    ///
    /// # Errors
    /// [`Error::NoInterpreter`] with what is there instead, and what to install when nothing is.
    pub fn get(&self, minor: u8) -> Result<Arc<Interpreter>, Error> {
        let all = self.all();
        if let Some(found) = all.iter().find(|python| python.minor == minor) {
            return Ok(found.clone());
        }
        let found = if all.is_empty() {
            format!(
                "there is no Python from 3.{} to 3.{} at all: install the package python3",
                MINORS.start(),
                MINORS.end()
            )
        } else {
            let names: Vec<String> = all.iter().map(|python| format!("python3.{}", python.minor)).collect();
            format!("there is {}", names.join(", "))
        };
        Err(Error::NoInterpreter { minor, found })
    }
}
