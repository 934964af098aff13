//! Runtime folders: boto3 and what it needs, for functions that do not bring their own.
//!
//! A folder is made once, named by the hash of what is pinned in it, and never changed: a new pin is a new folder.
//! Guests see it read-only at `/var/runtime`, behind their own code and layers. It is filled by a script of ours
//! that runs on an interpreter of the machine and needs nothing but its standard library.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ring::digest::{SHA256, digest};

use crate::Error;
use crate::python::Interpreter;

/// What is installed: name, version and SHA-256 of each wheel.
const REQUIREMENTS: &str = include_str!("requirements.txt");

const FETCH: &str = include_str!("fetch.py");

/// Compiles all modules of a folder, as they will be seen by guests, readable for them.
const COMPILE: &str = include_str!("compile.py");

/// The command that a person types to install.
pub const COMMAND: &str = "eddy runtime install";

/// The version of boto3 that is installed, such as `1.44.5`.
pub fn boto3_version() -> &'static str {
    let line = REQUIREMENTS.lines().find_map(|line| line.strip_prefix("boto3=="));
    line.and_then(|line| line.split(' ').next()).expect("boto3 is among the requirements")
}

/// The folder with what is pinned, if it is installed.
pub fn installed(runtimes: &Path) -> Option<PathBuf> {
    let folder = runtimes.join(name());
    folder.is_dir().then_some(folder)
}

/// Installs what is pinned below `runtimes`, unless it is there. Blocks: some seconds, most of them download.
///
/// `pythons` are those whose guests will use it; the first fetches, and for each the modules are compiled. `from` is
/// a folder of wheels to take instead of the package index; without it the user's own index is asked, as pip's
/// variables and files name it. `told` hears of each step, for a person who waits.
///
/// # Errors
/// [`Error::Install`] in one sentence: no Python, no index, a hash that differs, no room.
pub fn install(
    pythons: &[&Interpreter],
    runtimes: &Path,
    from: Option<&Path>,
    told: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    if let Some(folder) = installed(runtimes) {
        return Ok(folder);
    }
    let Some(python) = pythons.first() else {
        return Err(Error::Install(
            "boto3 needs a Python to be installed with: install the package python3".to_owned(),
        ));
    };
    let failed =
        |error: io::Error| Error::Install(format!("cannot write to {}: {error}", runtimes.display()));
    fs::create_dir_all(runtimes).map_err(failed)?;
    let scratch = Scratch::new(runtimes).map_err(failed)?;
    let (script, pins, filled) =
        (scratch.path.join("fetch.py"), scratch.path.join("requirements.txt"), scratch.path.join("filled"));
    fs::create_dir(&filled).map_err(failed)?;
    fs::set_permissions(&filled, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    fs::write(&script, FETCH).map_err(failed)?;
    fs::write(&pins, REQUIREMENTS).map_err(failed)?;
    let mut fetch = Command::new(&python.executable);
    fetch.args(["-I", "-S", "-X", "utf8"]).arg(&script).arg(&pins).arg(&filled);
    if let Some(from) = from {
        fetch.arg(
            from.canonicalize().map_err(|error| Error::Install(format!("{}: {error}", from.display())))?,
        );
    }
    for line in run(fetch)?.lines() {
        told(line);
    }
    for python in pythons {
        told(&format!("compiling for python3.{}", python.minor));
        let mut compile = Command::new(&python.executable);
        compile.args(["-I", "-S", "-c", COMPILE]).arg(&filled);
        // A module that does not compile for a version would not import there either.
        let _ = run(compile);
    }
    let folder = runtimes.join(name());
    match fs::rename(&filled, &folder) {
        Ok(()) => Ok(folder),
        // Somebody else has just installed the same.
        Err(_) if folder.is_dir() => Ok(folder),
        Err(error) => Err(failed(error)),
    }
}

/// `boto3-VERSION-HASH`.
fn name() -> String {
    let hash = digest(&SHA256, REQUIREMENTS.as_bytes());
    let short: String = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("boto3-{}-{short}", boto3_version())
}

/// Runs one of our scripts. They end when their standard input does: with this process, whatever ends it.
fn run(mut command: Command) -> Result<String, Error> {
    let program = command.get_program().display().to_string();
    let failed = |error: io::Error| Error::Install(format!("cannot run {program}: {error}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = command.spawn().map_err(failed)?;
    let held = script.stdin.take();
    let output = script.wait_with_output().map_err(failed)?;
    drop(held);
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(Error::Install(last.unwrap_or("the installation failed without a word").to_owned()))
}

/// What the names of scratch folders begin with; the number of the process that fills it follows.
const SCRATCH: &str = ".installing-";

/// A folder beside the result, so that a rename finishes; gone in any case.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(runtimes: &Path) -> io::Result<Scratch> {
        sweep(runtimes)?;
        let path = runtimes.join(format!("{SCRATCH}{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Scratch { path })
    }
}

/// Removes what processes left behind that were ended while they installed.
fn sweep(runtimes: &Path) -> io::Result<()> {
    for entry in fs::read_dir(runtimes)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(SCRATCH)) else { continue };
        let is_ours = process.parse() == Ok(std::process::id());
        if is_ours || !Path::new("/proc").join(process).exists() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_name_the_command_that_people_type() {
        assert!(crate::contract::PYTHON_BOOTSTRAP.contains(&format!("type: {COMMAND}")));
    }

    #[test]
    fn scratch_folders_of_ended_processes_go_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        // No process has a number this large, and there always is one with number 1.
        for name in [".installing-99999999", ".installing-1", "boto3-1-a"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let scratch = Scratch::new(folder.path()).unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        assert!(!there(".installing-99999999") && there(".installing-1") && there("boto3-1-a"));
        assert!(scratch.path.exists());
    }

    #[test]
    fn every_requirement_is_pinned_by_hash() {
        for line in REQUIREMENTS.lines() {
            let (pin, hash) = line.split_once(" --hash=sha256:").expect("each line has a hash");
            assert!(pin.contains("==") && hash.len() == 64, "{line}");
        }
        assert!(name().starts_with(&format!("boto3-{}-", boto3_version())));
    }
}
