//! Python guests: which interpreters are on the machine.

use std::path::PathBuf;

/// A CPython found on this machine, as it is below any shim or virtual environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// 3.`minor`.
    pub minor: u8,
    /// `3.13.0`.
    pub version: String,
    /// The real executable.
    pub executable: PathBuf,
    /// What it calls its base prefix; bound into jails at this path.
    pub prefix: PathBuf,
}
