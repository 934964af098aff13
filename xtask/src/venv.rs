//! The Python environment of the tests: real clients, pinned in `xtask/requirements.txt`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::sh::{self, Outcome};

pub fn run(_: &[String]) -> Outcome {
    let python = make()?;
    println!("{}", python.display());
    Ok(())
}

/// Makes the environment unless it stands already for the present requirements; gives its interpreter.
pub fn make() -> Result<PathBuf, String> {
    let requirements = sh::root().join("xtask/requirements.txt");
    let wanted =
        fs::read_to_string(&requirements).map_err(|why| format!("{}: {why}", requirements.display()))?;
    let folder = sh::target().join("venv");
    let (python, stamp) = (folder.join("bin/python3"), folder.join("requirements.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|made_for| made_for == wanted) {
        return Ok(python);
    }
    sh::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).map_err(|why| {
        format!("{why}\nThe tests need python3 with venv (Debian and Ubuntu: apt-get install python3-venv).")
    })?;
    sh::run(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements),
    )?;
    fs::write(&stamp, wanted).map_err(|why| format!("{}: {why}", stamp.display()))?;
    Ok(python)
}
