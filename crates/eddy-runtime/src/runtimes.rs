//! Runtime folders: boto3 and what it needs, for functions that do not bring their own.

use std::path::{Path, PathBuf};

/// The installed folder, if there is one.
pub fn installed(runtimes: &Path) -> Option<PathBuf> {
    let folder = runtimes.join("boto3");
    folder.is_dir().then_some(folder)
}
