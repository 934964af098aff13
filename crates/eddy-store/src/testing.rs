//! Stores for the tests of other crates.

use std::path::PathBuf;
use std::sync::Arc;

use eddy_base::{Env, Id, System};

pub use crate::engine::{Disk, Fault};
use crate::{EngineKind, OpenError, Options, Space, Store, Update};

/// A real store in a new temporary folder, which goes with the last clone.
///
/// # Panics
/// When the folder cannot be made.
pub fn open(spaces: impl Into<Vec<Space>>, updates: impl Into<Vec<Update>>) -> Store {
    open_in(Arc::new(System::default()), spaces, updates)
}

/// As [`open`], with an `Env` of the test's own.
///
/// # Panics
/// When the folder cannot be made.
pub fn open_in(env: Arc<dyn Env>, spaces: impl Into<Vec<Space>>, updates: impl Into<Vec<Update>>) -> Store {
    let folder = Scratch::new();
    let options =
        Options { spaces: spaces.into(), updates: updates.into(), ..Options::new(folder.0.clone(), env) };
    crate::open::open(options, Box::new(folder)).expect("a new folder can be opened")
}

/// A store on a disk in memory, with the faults that were placed on it. Open it again on the same disk, after
/// [`Disk::crash`] or not, to see what a restart would.
///
/// # Errors
/// [`OpenError`] when a fault hits the opening, or a lie is noticed.
pub fn faulty(
    disk: &Disk,
    env: Arc<dyn Env>,
    spaces: impl Into<Vec<Space>>,
    updates: impl Into<Vec<Update>>,
) -> Result<Store, OpenError> {
    Store::open(Options {
        spaces: spaces.into(),
        updates: updates.into(),
        engine: EngineKind::Memory(disk.clone()),
        ..Options::new("a disk in memory", env)
    })
}

/// A folder that is removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let name = format!("eddy-store-{}", Id::random(&System::default()));
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about a folder that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
