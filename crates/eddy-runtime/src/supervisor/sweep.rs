//! What an earlier supervisor left behind, because it and the server were killed at once.
//!
//! Processes and mounts go with the supervisor by the kernel's hand (a jail dies with its parent, and its mounts
//! with it). Control groups stay. Each supervisor writes down where it makes them, and the next removes them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use super::cgroup::{Trees, kill_listed, write_to};

/// One folder a line, each the place of our groups in one tree.
const RECORD: &str = "control-groups";

/// Writes down where groups will be made.
pub(super) fn remember(state: &Path, trees: &Trees) -> io::Result<()> {
    let lines: Vec<String> = trees.trees.iter().map(|tree| tree.base.display().to_string()).collect();
    fs::write(state.join(RECORD), lines.join("\n"))
}

/// Kills and removes what the record names. Returns how many groups there were.
pub(super) fn sweep(state: &Path) -> usize {
    let record = fs::read_to_string(state.join(RECORD)).unwrap_or_default();
    record.lines().map(PathBuf::from).filter(|base| is_ours(base)).map(|base| clear(&base)).sum()
}

/// The record is a file, and files can be damaged: only a folder that we could have made is touched.
fn is_ours(base: &Path) -> bool {
    base.starts_with("/sys/fs/cgroup")
        && base.file_name().is_some_and(|name| name.to_string_lossy().starts_with("eddy-"))
}

fn clear(base: &Path) -> usize {
    let Ok(entries) = fs::read_dir(base) else { return 0 };
    let groups: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    for group in &groups {
        let _ = write_to(&group.join("freezer.state"), "THAWED");
        let _ = write_to(&group.join("cgroup.kill"), "1");
        kill_listed(group);
        wait_until_empty(group);
        let _ = fs::remove_dir(group);
    }
    let _ = fs::remove_dir(base);
    groups.len()
}

/// Waits for each process that is still listed, at most a second.
fn wait_until_empty(group: &Path) {
    let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in listed.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
        let Ok(process) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else { continue };
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        let _ = rustix::event::poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&second));
    }
}
