//! `cargo deny`: licences, sources and bans of every dependency, by `deny.toml`.

use std::path::PathBuf;
use std::process::Command;

use crate::sh::{self, Outcome};

/// The version that the tests install for themselves.
const VERSION: &str = "0.20.2";

pub fn run(_: &[String]) -> Outcome {
    let tool = tool()?;
    sh::run(Command::new(&tool).current_dir(sh::root()).args(["check", "bans", "licenses", "sources"]))?;
    let advisories = Command::new(&tool).current_dir(sh::root()).args(["check", "advisories"]).output();
    let advisories = advisories.map_err(|why| why.to_string())?;
    if advisories.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&advisories.stderr);
    if said.contains("failed to fetch advisory database") {
        println!("advisories skipped: the advisory database cannot be fetched from here");
        return Ok(());
    }
    Err(format!("advisories:\n{said}"))
}

fn tool() -> Result<PathBuf, String> {
    let tools = sh::target().join("tools");
    let tool = tools.join("bin/cargo-deny");
    if !tool.exists() {
        let spec = format!("cargo-deny@{VERSION}");
        let mut install =
            sh::cargo(&["install", "--quiet", "--locked", "--no-default-features", &spec, "--root"]);
        sh::run(install.arg(&tools).env("CARGO_TARGET_DIR", tools.join("build")))?;
    }
    Ok(tool)
}
