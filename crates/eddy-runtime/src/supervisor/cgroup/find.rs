//! Which trees of control groups are there, and which of them let us in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, WaitOptions};

use super::{Ability, Tree, Trees, Version, write_to};
use crate::sys;

/// The controllers of v1 and what each is for.
const V1: [(&str, Ability); 5] = [
    ("memory", Ability::Memory),
    ("pids", Ability::Pids),
    ("cpu", Ability::Cpu),
    ("cpuacct", Ability::CpuCount),
    ("freezer", Ability::Freeze),
];

/// The controllers of v2 that have to be switched on.
const V2: [(&str, Ability); 3] =
    [("memory", Ability::Memory), ("pids", Ability::Pids), ("cpu", Ability::Cpu)];

/// The leaf that the server moves into where v2 wants its inner groups empty.
const SERVER_LEAF: &str = "eddy-server-";

/// Finds and tries all trees. The second part says, for each ability without a tree, why.
pub(crate) fn find(instance: &str) -> (Trees, Vec<(Ability, String)>) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let folder = format!("eddy-{instance}");
    let mut trees = Trees::default();
    let mut refused: Vec<(Ability, String)> = Vec::new();
    let mut held: Vec<Ability> = Vec::new();
    // v2 first: where it has an ability, v1 does not have it too.
    for place in places(&mounts, &own) {
        let abilities = match place.version {
            Version::One => V1
                .iter()
                .filter(|(name, ability)| {
                    place.controllers.iter().any(|c| c == name) && !held.contains(ability)
                })
                .map(|(_, ability)| *ability)
                .collect(),
            Version::Two => switch_on(&place.own, instance),
        };
        if abilities.is_empty() {
            continue;
        }
        let tree = Tree { version: place.version, base: place.root().join(&folder), abilities };
        match trial(&tree) {
            Ok(()) => {
                held.extend(&tree.abilities);
                trees.trees.push(tree);
            }
            Err(error) => {
                let reason = format!("{}: {error}", tree.base.display());
                refused.extend(tree.abilities.iter().map(|ability| (*ability, reason.clone())));
            }
        }
    }
    refused.retain(|(ability, _)| !held.contains(ability));
    (trees, refused)
}

/// A mounted tree, and the group in it that this process is in.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    version: Version,
    controllers: Vec<String>,
    own: PathBuf,
}

impl Place {
    /// The group below which ours are made: our own, or its parent once the server has moved into its leaf.
    fn root(&self) -> &Path {
        let leaf = self.own.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SERVER_LEAF));
        if leaf { self.own.parent().unwrap_or(&self.own) } else { &self.own }
    }
}

/// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`. v2 comes first.
fn places(mounts: &str, own: &str) -> Vec<Place> {
    let mut places: Vec<Place> = mounts.lines().filter_map(|line| place(line, own)).collect();
    places.sort_by_key(|place| place.version == Version::One);
    // The same hierarchy may be mounted in several places.
    let mut seen: Vec<(Version, Vec<String>)> = Vec::new();
    places.retain(|place| {
        let key = (place.version, place.controllers.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    places
}

fn place(mount: &str, own: &str) -> Option<Place> {
    let (left, right) = mount.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, point) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let (version, options) = match right.next()? {
        "cgroup" => (Version::One, right.nth(1)?),
        "cgroup2" => (Version::Two, ""),
        _ => return None,
    };
    let known = options.split(',').filter(|name| V1.iter().any(|(known, _)| known == name));
    let controllers: Vec<String> = known.map(str::to_owned).collect();
    if version == Version::One && controllers.is_empty() {
        return None;
    }
    let path = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, path) = (parts.next()?, parts.next()?);
        let ours = match version {
            Version::One => names.split(',').any(|name| controllers.iter().any(|known| known == name)),
            Version::Two => names.is_empty(),
        };
        ours.then_some(path)
    })?;
    // In a container the mount may begin at the container's own group.
    let below = path.strip_prefix(root.trim_end_matches('/')).unwrap_or("").trim_start_matches('/');
    Some(Place { version, controllers, own: Path::new(point).join(below) })
}

/// Switches controllers of v2 on for groups below `own`. Freezing, killing and counting need none.
fn switch_on(own: &Path, instance: &str) -> Vec<Ability> {
    let mut abilities = vec![Ability::Freeze, Ability::CpuCount];
    let root = Place { version: Version::Two, controllers: Vec::new(), own: own.to_owned() };
    let root = root.root();
    let offered = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    for (name, ability) in V2 {
        if !offered.split_whitespace().any(|word| word == name) {
            continue;
        }
        let on = || {
            write_to(&root.join("cgroup.subtree_control"), &format!("+{name}"))?;
            let base = root.join(format!("eddy-{instance}"));
            fs::create_dir_all(&base)?;
            write_to(&base.join("cgroup.subtree_control"), &format!("+{name}"))
        };
        let done = match on() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                step_aside(root, instance).and_then(|()| on())
            }
            other => other,
        };
        if done.is_ok() {
            abilities.push(ability);
        }
    }
    abilities
}

/// Moves the server and this process into a leaf, since a v2 group that hands out controllers may hold no process.
/// Only if nobody else is there: others are not ours to move.
fn step_aside(root: &Path, instance: &str) -> io::Result<()> {
    let own = [Some(rustix::process::getpid()), rustix::process::getppid()];
    let listed = fs::read_to_string(root.join("cgroup.procs"))?;
    let pids: Vec<Pid> = listed.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect();
    if pids.iter().any(|pid| !own.contains(&Some(*pid))) {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "other processes are in the same control group",
        ));
    }
    let leaf = root.join(format!("{SERVER_LEAF}{instance}"));
    fs::create_dir_all(&leaf)?;
    pids.iter().try_for_each(|pid| write_to(&leaf.join("cgroup.procs"), &pid.as_raw_nonzero().to_string()))
}

/// Makes a group, sets limits, moves a process in, and removes it all.
fn trial(tree: &Tree) -> io::Result<()> {
    let group = Tree { base: tree.base.join("trial"), ..tree.clone() };
    fs::create_dir_all(&group.base)?;
    let limits =
        super::Limits { memory_bytes: 1 << 30, notice_bytes: 1 << 30, pids: 64, cpu_millis: Some(1000) };
    let tried = group.limit(limits).and_then(|()| joins(&group));
    let removed = fs::remove_dir(&group.base);
    if tried.is_err() {
        let _ = fs::remove_dir(&tree.base);
    }
    tried.and(removed)
}

fn joins(group: &Tree) -> io::Result<()> {
    let (wait, go) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let Some(pid) = sys::fork()? else {
        let mut byte = [0];
        let _ = rustix::io::read(&wait, &mut byte);
        sys::exit_now(0);
    };
    drop(wait);
    let joined = group.join(pid);
    let _ = rustix::io::write(&go, &[1]);
    rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(pid), WaitOptions::empty()))?;
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "\
24 1 0:22 / /proc rw,relatime - proc proc rw
30 29 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 29 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 29 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
33 29 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const CONTAINER: &str = "\
600 500 0:26 /docker/abc /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw
";

    #[test]
    fn trees_are_read_from_the_mounts() {
        let found = places(MIXED, "5:memory:/a/b\n4:cpu,cpuacct:/\n1:name=systemd:/\n0::/c\n");
        let short: Vec<_> =
            found.iter().map(|place| (place.version, place.own.to_str().unwrap_or(""))).collect();
        assert_eq!(
            short,
            [
                (Version::Two, "/sys/fs/cgroup/unified/c"),
                (Version::One, "/sys/fs/cgroup/memory/a/b"),
                (Version::One, "/sys/fs/cgroup/cpu,cpuacct/"),
            ]
        );
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_root() {
        let found = places(CONTAINER, "0::/docker/abc/x\n");
        assert_eq!(found[0].own, Path::new("/sys/fs/cgroup/x"));
        let found = places(CONTAINER, "0::/elsewhere\n");
        assert_eq!(found[0].own, Path::new("/sys/fs/cgroup/"));
    }

    #[test]
    fn a_server_in_its_leaf_counts_from_above() {
        let place = Place { version: Version::Two, controllers: vec![], own: "/g/eddy-server-x".into() };
        assert_eq!(place.root(), Path::new("/g"));
    }
}
