//! Which walls this machine lets a jail have: probed once, shown, and held against a minimum.
//!
//! Nothing here is assumed from a kernel version or a user id. What is missing says so, with the reason that
//! the kernel gave and the command that brings it back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How well a guest is held, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Own namespaces, landlock, seccomp, and limits by control groups.
    A,
    /// As A, but memory, processes and processor time are limited only by rlimits and by looking.
    B,
    /// No own view of the machine: landlock, seccomp and rlimits only, on the host's network.
    C,
    /// A process. Nothing holds it.
    D,
}

/// One wall of a jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wall {
    /// A user namespace: no right inside is a right outside.
    User,
    /// Own view of the file system.
    Mount,
    /// Own view of the processes.
    Process,
    /// Own network, empty but for the two sockets of eddy.
    Network,
    /// Own System V and POSIX message objects.
    Ipc,
    /// Own host name.
    Uts,
    /// Own view of the control groups.
    CgroupView,
    /// A `/proc` that shows only the jail.
    Proc,
    /// System calls by allow-list.
    Seccomp,
    /// Files by allow-list, enforced beside the mounts.
    Landlock,
    /// A limit on memory that the kernel enforces.
    Memory,
    /// A limit on the number of processes that the kernel enforces.
    Pids,
    /// A limit on processor time.
    Cpu,
    /// All processes of a guest can be stopped at once between invocations.
    Freeze,
}

/// A wall that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub wall: Wall,
    /// What the kernel answered, or which setting takes it away.
    pub reason: String,
    /// What to type to get it back; empty where nothing can be typed.
    pub remedy: String,
}

/// What a jail on this machine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    pub tier: Tier,
    /// The walls that stand.
    pub standing: Vec<Wall>,
    /// The others, each with its reason.
    pub missing: Vec<Missing>,
    /// The landlock ABI of the kernel; 0 without landlock.
    pub landlock_abi: u32,
    /// Where limits come from: `cgroup v2`, `cgroup v1`, a mixture by ability, or `rlimits`.
    pub limits: String,
    /// What stops a guest between invocations: `cgroup v2`, `cgroup v1` or `SIGSTOP`.
    pub freeze: String,
    /// Where memory in use is read: `cgroup v2`, `cgroup v1` or `smaps`.
    pub accounting: String,
}

impl Wall {
    pub const ALL: [Wall; 14] = [
        Wall::User,
        Wall::Mount,
        Wall::Process,
        Wall::Network,
        Wall::Ipc,
        Wall::Uts,
        Wall::CgroupView,
        Wall::Proc,
        Wall::Seccomp,
        Wall::Landlock,
        Wall::Memory,
        Wall::Pids,
        Wall::Cpu,
        Wall::Freeze,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Wall::User => "user namespace",
            Wall::Mount => "mount namespace",
            Wall::Process => "pid namespace",
            Wall::Network => "network namespace",
            Wall::Ipc => "ipc namespace",
            Wall::Uts => "uts namespace",
            Wall::CgroupView => "cgroup namespace",
            Wall::Proc => "own /proc",
            Wall::Seccomp => "seccomp",
            Wall::Landlock => "landlock",
            Wall::Memory => "memory limit",
            Wall::Pids => "process limit",
            Wall::Cpu => "cpu limit",
            Wall::Freeze => "freezer",
        }
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Not the name of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tier is A, B, C or D")]
pub struct NotATier;

impl FromStr for Tier {
    type Err = NotATier;

    fn from_str(text: &str) -> Result<Tier, NotATier> {
        match text {
            "A" | "a" => Ok(Tier::A),
            "B" | "b" => Ok(Tier::B),
            "C" | "c" => Ok(Tier::C),
            "D" | "d" => Ok(Tier::D),
            _ => Err(NotATier),
        }
    }
}

impl Walls {
    pub fn has(&self, wall: Wall) -> bool {
        self.standing.contains(&wall)
    }

    /// The tier that these walls make.
    ///
    /// The two walls that hide the machine (mount and process) and the network count as one: without one of
    /// them a guest sees the host. Landlock is the second lock on the same door, so a jail without it is C.
    pub fn tier_of(standing: &[Wall]) -> Tier {
        let all = |walls: &[Wall]| walls.iter().all(|wall| standing.contains(wall));
        if !all(&[Wall::Seccomp]) {
            return Tier::D;
        }
        let view = all(&[Wall::Mount, Wall::Process, Wall::Network]);
        match (view, all(&[Wall::Landlock])) {
            (true, true) if all(&[Wall::Memory, Wall::Pids]) => Tier::A,
            (true, true) => Tier::B,
            (true, false) | (false, true) => Tier::C,
            (false, false) => Tier::D,
        }
    }

    /// The walls that keep this machine below `wanted`.
    pub fn lacking(&self, wanted: Tier) -> Vec<&Missing> {
        let needed: &[Wall] = match wanted {
            Tier::A => &[
                Wall::Seccomp,
                Wall::Mount,
                Wall::Process,
                Wall::Network,
                Wall::Landlock,
                Wall::Memory,
                Wall::Pids,
            ],
            Tier::B => &[Wall::Seccomp, Wall::Mount, Wall::Process, Wall::Network, Wall::Landlock],
            Tier::C => &[Wall::Seccomp, Wall::Landlock],
            Tier::D => &[],
        };
        self.missing.iter().filter(|missing| needed.contains(&missing.wall)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_make_tiers() {
        let full = Wall::ALL.to_vec();
        let without = |gone: &[Wall]| -> Vec<Wall> {
            full.iter().copied().filter(|wall| !gone.contains(wall)).collect()
        };
        let table: &[(&[Wall], Tier)] = &[
            (&[], Tier::A),
            (&[Wall::User, Wall::Freeze, Wall::Cpu], Tier::A),
            (&[Wall::Memory], Tier::B),
            (&[Wall::Memory, Wall::Pids, Wall::Cpu, Wall::Freeze], Tier::B),
            (&[Wall::Landlock], Tier::C),
            (&[Wall::Network], Tier::C),
            (&[Wall::Mount, Wall::Process, Wall::Network, Wall::User], Tier::C),
            (&[Wall::Mount, Wall::Landlock], Tier::D),
            (&[Wall::Seccomp], Tier::D),
        ];
        for (gone, tier) in table {
            assert_eq!(Walls::tier_of(&without(gone)), *tier, "without {gone:?}");
        }
    }
}
