//! Rules of the house that no compiler knows: floors, sizes, names, banned words.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::format;
use crate::sh::{self, Outcome};

/// A crate may depend only on crates of strictly lower floors.
const FLOORS: &[(&str, u8)] = &[
    ("eddy-base", 0),
    ("eddy-store", 1),
    ("eddy-wire", 1),
    ("eddy-runtime", 1),
    ("eddy-bus", 2),
    ("eddy-telemetry", 2),
    ("eddy-identity", 2),
    ("eddy-objects", 3),
    ("eddy-functions", 3),
    ("eddy-gateway", 4),
    ("eddy-aws", 5),
    ("eddy-deploy", 6),
    ("eddy", 7),
];

/// Words that no engine may say: below the dialects nobody knows a vendor or a wire.
const ENGINES: &[&str] = &["eddy-bus", "eddy-telemetry", "eddy-objects", "eddy-functions", "eddy-gateway"];
const VENDOR_CRATES: &[&str] = &["eddy-wire", "eddy-aws"];

const FILE_LINES_MAX: usize = 600;
const CRATE_LINES_MIN: usize = 500;
const CRATE_LINES_MAX: usize = 12_000;

/// Text that no source file may hold, and what to do instead.
const BANNED: &[(&str, &str)] = &[
    ("#[ignore", "a test runs or does not exist; print a reason where a machine cannot run it"),
    ("#[allow(", "use #[expect(lint, reason = \"...\")]"),
    ("unimplemented!(", "refuse by name"),
    ("thread::sleep(", "wait for the thing itself"),
];

pub fn run(_: &[String]) -> Outcome {
    let mut found = Vec::new();
    let crates = crates()?;
    for (name, folder) in &crates {
        floors(name, folder, &mut found)?;
        sizes(name, folder, &mut found)?;
        keys(name, folder, &mut found)?;
    }
    for file in sources(&sh::root().join("xtask/src"))?.iter().chain(&sources(&sh::root().join("lab/src"))?) {
        file_size(file, &mut found)?;
    }
    for (name, _) in FLOORS {
        if !crates.contains_key(*name) {
            found.push(format!("crates/{name} has a floor but no folder"));
        }
    }
    format::check(&mut found)?;
    if found.is_empty() {
        println!("tidy: {} crates", crates.len());
        return Ok(());
    }
    Err(format!("{} things to tidy:\n  {}", found.len(), found.join("\n  ")))
}

pub fn crates() -> Result<BTreeMap<String, PathBuf>, String> {
    let folder = sh::root().join("crates");
    let mut crates = BTreeMap::new();
    for entry in fs::read_dir(&folder).map_err(|why| format!("{}: {why}", folder.display()))? {
        let path = entry.map_err(|why| why.to_string())?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            crates.insert(name.to_owned(), path.clone());
        }
    }
    Ok(crates)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

/// Folder name = crate name, and dependencies point down.
fn floors(name: &str, folder: &Path, found: &mut Vec<String>) -> Outcome {
    let Some(floor) = floor_of(name) else {
        found.push(format!("crates/{name} has no floor in xtask/src/tidy.rs"));
        return Ok(());
    };
    let manifest: toml::Table =
        toml::from_str(&read(&folder.join("Cargo.toml"))?).map_err(|why| why.to_string())?;
    if manifest["package"]["name"].as_str() != Some(name) {
        found.push(format!("crates/{name}: the crate has another name than its folder"));
    }
    let Some(dependencies) = manifest.get("dependencies").and_then(toml::Value::as_table) else {
        return Ok(());
    };
    for dependency in dependencies.keys() {
        if floor_of(dependency).is_some_and(|below| below >= floor) {
            found.push(format!(
                "{name} (floor {floor}) may not depend on {dependency}: dependencies point down"
            ));
        }
        if ENGINES.contains(&name) && VENDOR_CRATES.contains(&dependency.as_str()) {
            found.push(format!("{name} is an engine and may not know {dependency}"));
        }
    }
    Ok(())
}

fn floor_of(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn sizes(name: &str, folder: &Path, found: &mut Vec<String>) -> Outcome {
    let mut lines = 0;
    for file in sources(&folder.join("src"))? {
        lines += file_size(&file, found)?;
        banned(&file, found)?;
    }
    for file in sources(&folder.join("tests"))? {
        file_size(&file, found)?;
        banned(&file, found)?;
    }
    if lines < CRATE_LINES_MIN && floor_of(name) != Some(0) {
        found.push(format!("crates/{name} has {lines} lines: under {CRATE_LINES_MIN} it is a module"));
    }
    // The dialect of a cloud is wide by nature: its seam is the folder of each service.
    let widest = if name == "eddy-aws" { 4 * CRATE_LINES_MAX } else { CRATE_LINES_MAX };
    if lines > widest {
        found.push(format!("crates/{name} has {lines} lines: above {widest} it wants a seam"));
    }
    Ok(())
}

fn file_size(file: &Path, found: &mut Vec<String>) -> Result<usize, String> {
    let lines = read(file)?.lines().count();
    if lines > FILE_LINES_MAX {
        let shown = file.strip_prefix(sh::root()).unwrap_or(file);
        found.push(format!("{} has {lines} lines: above {FILE_LINES_MAX} it is two files", shown.display()));
    }
    Ok(lines)
}

fn banned(file: &Path, found: &mut Vec<String>) -> Outcome {
    for (number, line) in read(file)?.lines().enumerate() {
        for (word, instead) in BANNED {
            if line.contains(word) && !line.trim_start().starts_with("//") {
                let shown = file.strip_prefix(sh::root()).unwrap_or(file);
                found.push(format!("{}:{}: {word}: {instead}", shown.display(), number + 1));
            }
        }
    }
    Ok(())
}

/// A crate that declares a key space documents its keys in one place.
fn keys(name: &str, folder: &Path, found: &mut Vec<String>) -> Outcome {
    let mut declares = false;
    for file in sources(&folder.join("src"))? {
        declares |= read(&file)?.contains("Space::new(");
    }
    if declares && name != "eddy-store" && !folder.join("src/keys.rs").exists() {
        found.push(format!("crates/{name} declares a key space and has no src/keys.rs"));
    }
    Ok(())
}

pub fn sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(files) };
    for entry in entries {
        let path = entry.map_err(|why| why.to_string())?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
