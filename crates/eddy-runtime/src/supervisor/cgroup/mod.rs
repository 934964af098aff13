//! Control groups, each ability from the tree that has it.
//!
//! A machine may have version 2 with all controllers, version 1, or an empty version 2 beside version 1. So
//! there is no "version": limits come from wherever the controller is, freezing and killing from version 2 if it
//! is there at all. Everything is made below the group that the server itself is in.

mod find;

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};

use super::message::{GroupFile, Limits};

pub(crate) use find::find;

/// What a tree of groups can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ability {
    Memory,
    Pids,
    Cpu,
    CpuCount,
    Freeze,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// One hierarchy that we may make groups in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) version: Version,
    /// The folder that our groups are made in. Ours alone.
    pub(crate) base: PathBuf,
    pub(crate) abilities: Vec<Ability>,
}

/// All hierarchies that we use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trees {
    pub(crate) trees: Vec<Tree>,
}

/// The groups of one jail, one in each tree.
#[derive(Debug)]
pub(crate) struct Groups {
    groups: Vec<Tree>,
}

impl Trees {
    pub(crate) fn version_of(&self, ability: Ability) -> Option<Version> {
        self.trees.iter().find(|tree| tree.abilities.contains(&ability)).map(|tree| tree.version)
    }

    /// Makes the groups of a jail and sets their limits.
    ///
    /// # Errors
    /// What the kernel says; nothing is left then.
    pub(crate) fn make(&self, id: u64, limits: Limits) -> io::Result<Groups> {
        // Joining a group of v1 takes a millisecond: not where it would hold nothing.
        let useful = |tree: &&Tree| limits.cpu_millis.is_some() || tree.abilities != [Ability::Cpu];
        let group = |tree: &Tree| Tree { base: tree.base.join(format!("g{id}")), ..tree.clone() };
        let groups = Groups { groups: self.trees.iter().filter(useful).map(group).collect() };
        for group in &groups.groups {
            let made = fs::create_dir_all(&group.base).and_then(|()| group.limit(limits));
            if let Err(error) = made {
                let _ = groups.remove();
                return Err(error);
            }
        }
        Ok(groups)
    }

    /// Removes the folders that held the groups of all jails. They may be in use by nobody any more.
    pub(crate) fn remove(&self) {
        for tree in &self.trees {
            let _ = fs::remove_dir(&tree.base);
        }
    }
}

impl Tree {
    fn limit(&self, limits: Limits) -> io::Result<()> {
        for ability in &self.abilities {
            match (ability, self.version) {
                (Ability::Memory, Version::One) => {
                    self.set("memory.limit_in_bytes", &limits.memory_bytes.to_string())?;
                    // Without this the limit pushes into swap. Kernels without swap accounting lack the file.
                    let _ = self.set("memory.memsw.limit_in_bytes", &limits.memory_bytes.to_string());
                }
                (Ability::Memory, Version::Two) => {
                    self.set("memory.max", &limits.memory_bytes.to_string())?;
                    let _ = self.set("memory.swap.max", "0");
                    let _ = self.set("memory.oom.group", "1");
                }
                (Ability::Pids, Version::One | Version::Two) => {
                    self.set("pids.max", &limits.pids.to_string())?
                }
                (Ability::Cpu, Version::One) => {
                    let quota = limits.cpu_millis.map_or(-1, |millis| i64::from(millis) * 100);
                    self.set("cpu.cfs_quota_us", &quota.to_string())?;
                }
                (Ability::Cpu, Version::Two) => {
                    let quota =
                        limits.cpu_millis.map_or("max".to_owned(), |millis| (millis * 100).to_string());
                    self.set("cpu.max", &format!("{quota} 100000"))?;
                }
                (Ability::CpuCount | Ability::Freeze, Version::One | Version::Two) => {}
            }
        }
        Ok(())
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        write_to(&self.base.join(file), value)
    }

    /// An eventfd that the kernel adds to when the use of memory passes a number of bytes, in a group of v1.
    fn threshold(&self, bytes: u64) -> io::Result<Option<OwnedFd>> {
        if self.version != Version::One || !self.abilities.contains(&Ability::Memory) {
            return Ok(None);
        }
        let passed = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let usage = open(&self.base.join("memory.usage_in_bytes"), false)?;
        let wish = format!("{} {} {bytes}", passed.as_raw_fd(), usage.as_raw_fd());
        self.set("cgroup.event_control", &wish)?;
        Ok(Some(passed))
    }

    fn join(&self, pid: Pid) -> io::Result<()> {
        self.set("cgroup.procs", &pid.as_raw_nonzero().to_string())
    }
}

impl Groups {
    /// The v2 group, to be born into.
    pub(crate) fn unified(&self) -> Option<OwnedFd> {
        let group = self.groups.iter().find(|group| group.version == Version::Two)?;
        rustix::fs::open(&group.base, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()
    }

    /// Moves a process into the groups that it was not born into.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn join(&self, pid: Pid) -> io::Result<()> {
        self.groups.iter().filter(|group| group.version == Version::One).try_for_each(|group| group.join(pid))
    }

    /// Opens what the server uses itself while the jail runs.
    ///
    /// # Errors
    /// What the kernel says. A file that this kernel does not have is left out.
    pub(crate) fn files(&self, limits: Limits) -> io::Result<Vec<(GroupFile, OwnedFd)>> {
        let mut files = Vec::new();
        for group in &self.groups {
            // A kernel without it is asked for the number of bytes from time to time instead.
            if let Ok(Some(passed)) = group.threshold(limits.notice_bytes) {
                files.push((GroupFile::MemoryPassedV1, passed));
            }
            for ability in &group.abilities {
                for (file, name, write) in wanted(*ability, group.version) {
                    match open(&group.base.join(name), *write) {
                        Ok(descriptor) => files.push((*file, descriptor)),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(files)
    }

    /// Has the kernel killed something in these groups for want of memory?
    pub(crate) fn out_of_memory(&self) -> bool {
        let count = |group: &Tree| {
            let file = match group.version {
                Version::One => "memory.oom_control",
                Version::Two => "memory.events",
            };
            let text = fs::read_to_string(group.base.join(file)).ok()?;
            text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
        };
        self.groups.iter().any(|group| count(group).unwrap_or(0) > 0)
    }

    /// Kills all that is in the groups. Best effort: the first process is killed by other means too.
    pub(crate) fn kill(&self) {
        for group in self.groups.iter().filter(|group| group.abilities.contains(&Ability::Freeze)) {
            match group.version {
                // A frozen process of v1 is not killed before it is thawed.
                Version::One => {
                    let _ = group.set("freezer.state", "THAWED");
                }
                Version::Two => {
                    let _ = group.set("cgroup.kill", "1");
                }
            }
        }
        if let Some(group) = self.groups.first() {
            kill_listed(&group.base);
        }
    }

    /// Removes the groups.
    ///
    /// # Errors
    /// As long as a process is in them.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let mut outcome = Ok(());
        for group in &self.groups {
            match fs::remove_dir(&group.base) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }
}

/// Sends SIGKILL to each process that a group lists.
pub(crate) fn kill_listed(group: &Path) {
    let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in listed.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

fn wanted(ability: Ability, version: Version) -> &'static [(GroupFile, &'static str, bool)] {
    match (ability, version) {
        (Ability::Memory, Version::One) => &[
            (GroupFile::MemoryNow, "memory.usage_in_bytes", false),
            (GroupFile::MemoryPeak, "memory.max_usage_in_bytes", true),
            (GroupFile::MemoryStatV1, "memory.stat", false),
        ],
        (Ability::Memory, Version::Two) => &[
            (GroupFile::MemoryNow, "memory.current", false),
            (GroupFile::MemoryPeak, "memory.peak", true),
            (GroupFile::MemoryStatV2, "memory.stat", false),
            (GroupFile::MemoryHighV2, "memory.high", true),
            (GroupFile::MemoryEventsV2, "memory.events", false),
        ],
        (Ability::CpuCount, Version::One) => &[(GroupFile::CpuV1, "cpuacct.usage", false)],
        (Ability::CpuCount, Version::Two) => &[(GroupFile::CpuV2, "cpu.stat", false)],
        (Ability::Freeze, Version::One) => &[(GroupFile::FreezeV1, "freezer.state", true)],
        (Ability::Freeze, Version::Two) => &[(GroupFile::FreezeV2, "cgroup.freeze", true)],
        (Ability::Pids | Ability::Cpu, Version::One | Version::Two) => &[],
    }
}

fn open(path: &Path, write: bool) -> io::Result<OwnedFd> {
    let file = OpenOptions::new().read(true).write(write).open(path);
    match file {
        // memory.peak could only be read before Linux 6.12.
        Err(error) if write && error.kind() == io::ErrorKind::PermissionDenied => {
            OpenOptions::new().read(true).open(path).map(OwnedFd::from)
        }
        other => other.map(OwnedFd::from),
    }
}

/// Writes to a file that exists: control files are never made.
pub(crate) fn write_to(path: &Path, value: &str) -> io::Result<()> {
    use std::io::Write;
    OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}
