//! Where to look, and the question that each candidate is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Interpreter, MINORS};

/// What a candidate is run with. It imports what links against the most libraries, then reads which were mapped.
const QUESTION: &str = r#"
import json, os, sys, sysconfig
for name in ("_ssl", "_hashlib", "_sqlite3", "_ctypes", "_bz2", "_lzma", "zlib", "_zstd", "_uuid", "readline"):
    try:
        __import__(name)
    except ImportError:
        pass
real = os.path.realpath
prefix = real(sys.base_prefix)
executable = real(getattr(sys, "_base_executable", None) or sys.executable)
system = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
folders = set()
with open("/proc/self/maps") as maps:
    for line in maps:
        path = line.split(None, 5)[5].strip() if line.count(" ") > 4 and "/" in line else ""
        if ".so" in path and not path.startswith((prefix + "/", *system)):
            folders.add(os.path.dirname(path))
print(json.dumps({
    "minor": sys.version_info[1] if sys.version_info[0] == 3 and sys.implementation.name == "cpython" else 0,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "executable": executable,
    "prefix": prefix,
    "stdlib": real(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix})),
    "libraries": sorted(folders),
}))
"#;

/// Places to look in, best first.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Executables that the configuration names.
    pub configured: Vec<PathBuf>,
    /// Folders with executables, as `PATH` has them.
    pub path: Vec<PathBuf>,
    /// Folders that hold one installation each, as version managers have them: `*/bin/python3`.
    pub managed: Vec<PathBuf>,
}

impl Search {
    /// `PATH`, pyenv, uv, and the places of distributions.
    pub fn of_machine() -> Search {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = variable("HOME").unwrap_or_else(|| PathBuf::from("/root"));
        let mut path: Vec<PathBuf> =
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
        for usual in ["/usr/local/bin", "/usr/bin", "/bin"] {
            if !path.iter().any(|folder| folder == Path::new(usual)) {
                path.push(PathBuf::from(usual));
            }
        }
        let data = variable("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        let managed = vec![
            variable("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv")).join("versions"),
            variable("UV_PYTHON_INSTALL_DIR").unwrap_or_else(|| data.join("uv/python")),
        ];
        Search { configured: Vec::new(), path, managed }
    }

    /// One interpreter for each version, newest first.
    ///
    /// Programs are asked first. Scripts are shims: slow, and most lead to what has been found; they are asked only
    /// for versions that nothing else has.
    pub(super) fn run(&self) -> Vec<Interpreter> {
        let (scripts, programs): (Vec<_>, Vec<_>) =
            self.candidates().into_iter().partition(|path| is_script(path));
        let mut best = BTreeMap::new();
        ask_all(&programs, &mut best);
        let unknown: Vec<PathBuf> = scripts
            .into_iter()
            .filter(|path| match minor_of(path) {
                Some(minor) => !best.contains_key(&minor),
                None => best.is_empty(),
            })
            .collect();
        ask_all(&unknown, &mut best);
        best.into_values().rev().collect()
    }

    /// What version managers have installed, the newest of each version first.
    fn managed(&self) -> Vec<PathBuf> {
        let entries =
            self.managed.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        let mut installed: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        installed.retain(|path| may_be_wanted(&version_of(path)));
        // Names end in the version.
        installed.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
        installed.into_iter().map(|path| path.join("bin/python3")).collect()
    }

    /// Each executable once, best first. Of files that are the same behind links only the first is kept.
    fn candidates(&self) -> Vec<PathBuf> {
        let mut all = self.configured.clone();
        let names: Vec<String> =
            MINORS.rev().map(|minor| format!("python3.{minor}")).chain(["python3".to_owned()]).collect();
        let mut managed = Some(self.managed());
        for folder in &self.path {
            let here: Vec<PathBuf> =
                names.iter().map(|name| folder.join(name)).filter(|path| path.exists()).collect();
            // Shims stand for what their manager has installed, at their place in the order.
            if here.iter().any(|path| is_script(path)) {
                all.extend(managed.take().unwrap_or_default());
            }
            all.extend(here);
        }
        all.extend(managed.unwrap_or_default());
        let mut seen = Vec::new();
        all.retain(|path| {
            let Ok(real) = path.canonicalize() else { return false };
            let new = !seen.contains(&real) || is_script(&real);
            seen.push(real);
            new
        });
        all
    }
}

/// Asks all at once and keeps the first of each version.
fn ask_all(candidates: &[PathBuf], best: &mut BTreeMap<u8, Interpreter>) {
    let found: Vec<Option<Interpreter>> = std::thread::scope(|scope| {
        let asked: Vec<_> = candidates.iter().map(|path| scope.spawn(|| ask(path))).collect();
        asked.into_iter().map(|thread| thread.join().ok().flatten()).collect()
    });
    for python in found.into_iter().flatten() {
        best.entry(python.minor).or_insert(python);
    }
}

fn is_script(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 2];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| &start == b"#!")
}

/// The version that an executable's name promises: 13 for `python3.13`.
fn minor_of(path: &Path) -> Option<u8> {
    path.file_name()?.to_str()?.strip_prefix("python3.")?.parse().ok()
}

/// Is a folder of this version worth a look? One without a version in its name is.
fn may_be_wanted(version: &[u32]) -> bool {
    match version {
        [3, minor, ..] => u8::try_from(*minor).is_ok_and(|minor| MINORS.contains(&minor)),
        [_, _, ..] => false,
        _ => true,
    }
}

/// The numbers in a folder's name, for ordering: `cpython-3.12.4-linux` is `[3, 12, 4]`.
fn version_of(path: &Path) -> Vec<u32> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
    numbers.take(3).collect()
}

/// Runs a candidate. `None` when it is none: it does not run, is no CPython, or too old.
fn ask(path: &Path) -> Option<Interpreter> {
    let output = Command::new(path)
        .args(["-I", "-S", "-c", QUESTION])
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let found: Interpreter = serde_json::from_slice(&output.stdout).ok()?;
    MINORS.contains(&found.minor).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with a shim before the distribution's interpreter on its path: the manager's own comes first.
    #[test]
    fn shims_stand_for_what_they_lead_to() {
        use std::os::unix::fs::PermissionsExt;
        let machine = tempfile::tempdir().expect("a folder can be made");
        let file = |path: &str, text: &str| {
            let path = machine.path().join(path);
            fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a folder can be made");
            fs::write(&path, text).expect("a file can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        };
        file("shims/python3.12", "#!/bin/sh\nexit 1\n");
        file("usr/python3.12", "\u{7f}ELF of the distribution");
        file("versions/3.12.4/bin/python3", "\u{7f}ELF of the manager");
        file("versions/3.12.10/bin/python3", "\u{7f}ELF of the manager, newer");
        file("versions/3.9.1/bin/python3", "\u{7f}ELF too old");
        let search = Search {
            configured: Vec::new(),
            path: vec![machine.path().join("shims"), machine.path().join("usr")],
            managed: vec![machine.path().join("versions")],
        };
        let found: Vec<_> = search
            .candidates()
            .iter()
            .map(|path| path.strip_prefix(machine.path()).expect("it is below").display().to_string())
            .collect();
        assert_eq!(
            found,
            [
                "versions/3.12.10/bin/python3",
                "versions/3.12.4/bin/python3",
                "shims/python3.12",
                "usr/python3.12"
            ]
        );
    }

    #[test]
    fn names_of_folders_are_ordered_by_version() {
        let mut names = ["3.9.18", "3.13.0", "cpython-3.12.4-linux-x86_64-gnu", "3.10.13"].map(PathBuf::from);
        names.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
        let order: Vec<_> = names.iter().map(|path| path.to_str().unwrap_or("")).collect();
        assert_eq!(order, ["3.13.0", "cpython-3.12.4-linux-x86_64-gnu", "3.10.13", "3.9.18"]);
    }

    #[test]
    fn what_does_not_run_is_no_interpreter() {
        assert_eq!(ask(Path::new("/bin/true")), None);
        assert_eq!(ask(Path::new("/nonexistent")), None);
    }
}
