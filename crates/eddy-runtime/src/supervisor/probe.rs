//! Tries each wall once, in a child of its own, and keeps what the kernel said.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::pipe::PipeFlags;
use rustix::process::WaitOptions;

use super::cgroup::{self, Ability, Trees, Version};
use super::message::Configure;
use super::remedy::Machine;
use crate::inside::plan::{Rules, Shape};
use crate::inside::{self, rules, syscalls};
use crate::sys::{self, Cloned};
use crate::{Missing, Wall, Walls};

/// The walls that a process is born into, with the flag of each.
pub(super) const BORN_INTO: &[(Wall, i32)] = &[
    (Wall::Mount, libc::CLONE_NEWNS),
    (Wall::Process, libc::CLONE_NEWPID),
    (Wall::Network, libc::CLONE_NEWNET),
    (Wall::Ipc, libc::CLONE_NEWIPC),
    (Wall::Uts, libc::CLONE_NEWUTS),
];

pub(super) struct Probed {
    pub(super) walls: Walls,
    pub(super) shape: Shape,
    pub(super) trees: Trees,
}

/// A user id for trying out what a privileged supervisor does to guests.
const SOMEBODY: u32 = 1_845_000_000;

pub(super) fn probe(configure: &Configure) -> Probed {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    // Rights without mounts of its own would turn a guest into a user that cannot reach its code.
    let privileged =
        !configure.without.contains(&Wall::Mount) && in_child(libc::CLONE_NEWNS as u64, || Ok(())).is_ok();
    let me = Prober { privileged, uid, gid };
    let (mut trees, refused) = cgroup::find(&configure.instance);
    let mut found: Vec<(Wall, Result<(), String>)> = vec![(Wall::User, me.user())];
    let with_user = privileged || found[0].1.is_ok();
    for (wall, flag) in BORN_INTO {
        found.push((*wall, me.born_into(*wall, *flag, with_user)));
    }
    found.push((Wall::CgroupView, me.in_namespaces(0, with_user, || text(sys::enter_cgroup_namespace()))));
    found.push((
        Wall::Proc,
        me.in_namespaces(libc::CLONE_NEWNS | libc::CLONE_NEWPID, with_user, || text(inside::proc_mounts())),
    ));
    found.push((Wall::Seccomp, seccomp()));
    let landlock = landlock();
    found.push((Wall::Landlock, landlock.clone().map(drop)));
    for (wall, ability) in LIMITS {
        let reason = || refused.iter().find(|(a, _)| a == ability).map(|(_, reason)| reason.clone());
        let held = trees.version_of(*ability).is_some();
        let none = || "no control group tree has it".to_owned();
        found.push((*wall, if held { Ok(()) } else { Err(reason().unwrap_or_else(none)) }));
    }
    take_away(&mut found, &mut trees, &configure.without);
    let landlock_abi = landlock.unwrap_or(0);
    let walls = told(&found, &trees, landlock_abi);
    let shape = Shape { privileged, uid, gid, standing: walls.standing.clone() };
    Probed { walls, shape, trees }
}

const LIMITS: &[(Wall, Ability)] = &[
    (Wall::Memory, Ability::Memory),
    (Wall::Pids, Ability::Pids),
    (Wall::Cpu, Ability::Cpu),
    (Wall::Freeze, Ability::Freeze),
];

/// Removes what the configuration does not want, and what cannot stand without it.
fn take_away(found: &mut [(Wall, Result<(), String>)], trees: &mut Trees, without: &[Wall]) {
    for (wall, outcome) in found.iter_mut() {
        if without.contains(wall) {
            *outcome = Err("switched off by configuration".to_owned());
        }
    }
    for (wall, ability) in LIMITS {
        if without.contains(wall) {
            for tree in &mut trees.trees {
                tree.abilities.retain(|held| held != ability);
            }
        }
    }
    trees.trees.retain(|tree| {
        let used = tree.abilities.iter().any(|ability| *ability != Ability::CpuCount);
        if !used {
            let _ = std::fs::remove_dir(&tree.base);
        }
        used
    });
    // Without its own view of processes or files a jail cannot have its own `/proc` either.
    let stands = |found: &[(Wall, Result<(), String>)], wall| {
        found.iter().any(|(one, outcome)| *one == wall && outcome.is_ok())
    };
    if !(stands(found, Wall::Mount) && stands(found, Wall::Process)) {
        for (wall, outcome) in found.iter_mut().filter(|(wall, _)| *wall == Wall::Proc) {
            *outcome = Err(format!("{wall} needs mount and pid namespaces"));
        }
    }
}

fn told(found: &[(Wall, Result<(), String>)], trees: &Trees, landlock_abi: u32) -> Walls {
    let standing: Vec<Wall> = found.iter().filter(|(_, ok)| ok.is_ok()).map(|(wall, _)| *wall).collect();
    let machine = Machine::look();
    let missing = found.iter().filter_map(|(wall, outcome)| {
        let reason = outcome.as_ref().err()?.clone();
        let remedy = machine.remedy(*wall, &reason);
        Some(Missing { wall: *wall, reason, remedy })
    });
    let version = |ability| match trees.version_of(ability) {
        Some(Version::Two) => Some("cgroup v2"),
        Some(Version::One) => Some("cgroup v1"),
        None => None,
    };
    let limits: Vec<String> = [("memory", Ability::Memory), ("pids", Ability::Pids), ("cpu", Ability::Cpu)]
        .iter()
        .map(|(name, ability)| format!("{name}: {}", version(*ability).unwrap_or("rlimits")))
        .collect();
    Walls {
        tier: Walls::tier_of(&standing),
        missing: missing.collect(),
        standing,
        landlock_abi,
        limits: limits.join(", "),
        freeze: version(Ability::Freeze).unwrap_or("SIGSTOP").to_owned(),
        accounting: version(Ability::Memory).unwrap_or("smaps").to_owned(),
    }
}

struct Prober {
    privileged: bool,
    uid: u32,
    gid: u32,
}

impl Prober {
    fn user(&self) -> Result<(), String> {
        if self.privileged {
            return in_child(0, || {
                let own = text(inside::own_folder())?;
                text(inside::give_up(SOMEBODY))?;
                text(sys::enter_user_namespace())?;
                text(inside::map_ids(&own, SOMEBODY, SOMEBODY))
            });
        }
        in_child(libc::CLONE_NEWUSER as u64, || self.map())
    }

    fn map(&self) -> Result<(), String> {
        text(inside::map_ids(&text(inside::own_folder())?, self.uid, self.gid))
    }

    fn born_into(&self, wall: Wall, flag: i32, with_user: bool) -> Result<(), String> {
        let flags = if wall == Wall::Mount { flag | libc::CLONE_NEWPID } else { flag };
        self.in_namespaces(flags, with_user, || match wall {
            Wall::Mount => {
                let shape =
                    Shape { privileged: self.privileged, uid: self.uid, gid: self.gid, standing: vec![] };
                inside::build_root(&inside::smallest(), &shape)
                    .map_err(|refused| format!("{}: {}", refused.step, refused.reason))
            }
            Wall::Network => text(inside::raise_network()),
            Wall::Uts => text(rustix::system::sethostname(b"sandbox")),
            Wall::Process if rustix::process::getpid().as_raw_nonzero().get() != 1 => {
                Err("the first process is not the first".to_owned())
            }
            _ => Ok(()),
        })
    }

    /// In namespaces that this user may have only together with a user namespace.
    fn in_namespaces(
        &self,
        flags: i32,
        with_user: bool,
        act: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        if !with_user {
            return Err("needs root or a user namespace, and there is neither".to_owned());
        }
        let flags = if self.privileged { flags } else { flags | libc::CLONE_NEWUSER };
        in_child(flags as u64, || {
            if !self.privileged {
                self.map()?;
            }
            act()
        })
    }
}

/// The filter is on when a call that it closes is refused by it.
fn seccomp() -> Result<(), String> {
    for host_network in [false, true] {
        text(syscalls::programs(host_network))?;
    }
    in_child(0, || {
        text(rustix::thread::set_no_new_privs(true))?;
        for program in text(syscalls::programs(false))? {
            text(seccompiler::apply_filter(program))?;
        }
        match sys::enter_user_namespace() {
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
            other => Err(format!("the filter does not hold: {other:?}")),
        }
    })
}

fn landlock() -> Result<u32, String> {
    let mut abi = 0;
    let said = said_in_child(0, || {
        text(rustix::thread::set_no_new_privs(true))?;
        rules::restrict(&Rules::default()).map(|abi| format!("abi {abi}"))
    })?;
    if let Some(number) = said.strip_prefix("abi ").and_then(|number| number.parse().ok()) {
        abi = number;
    }
    Ok(abi)
}

fn in_child(namespaces: u64, act: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    said_in_child(namespaces, || act().map(|()| String::new())).map(drop)
}

/// Runs something in a child in new namespaces and hears what became of it.
fn said_in_child(namespaces: u64, act: impl FnOnce() -> Result<String, String>) -> Result<String, String> {
    let (read, write) = text(rustix::pipe::pipe_with(PipeFlags::CLOEXEC))?;
    match text(sys::clone3(namespaces, None))? {
        Cloned::Child => {
            let outcome = catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err("panicked".to_owned()));
            let (mark, said) = match outcome {
                Ok(said) => ('+', said),
                Err(said) => ('-', said),
            };
            let _ = rustix::io::write(&write, format!("{mark}{said}").as_bytes());
            sys::exit_now(0)
        }
        Cloned::Parent { pid, .. } => {
            drop(write);
            let mut said = [0; 1024];
            let count = text(rustix::io::retry_on_intr(|| rustix::io::read(&read, &mut said)))?;
            let _ = rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(pid), WaitOptions::empty()));
            let said = String::from_utf8_lossy(&said[..count]).into_owned();
            match said.split_at_checked(1) {
                Some(("+", rest)) => Ok(rest.to_owned()),
                Some((_, rest)) => Err(rest.to_owned()),
                None => Err("the child was killed".to_owned()),
            }
        }
    }
}

fn text<T, E: std::fmt::Display>(outcome: Result<T, E>) -> Result<T, String> {
    outcome.map_err(|error| error.to_string())
}
