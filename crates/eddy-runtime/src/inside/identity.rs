//! Who the guest is: nobody that the host knows, with no capability.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::DumpableBehavior;
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::Refused;
use super::plan::{Plan, Shape};
use crate::Wall;
use crate::sys;

/// The user that a guest sees itself as, the one of Lambda.
pub(crate) const UID_INSIDE: u32 = 993;
const GID_INSIDE: u32 = 990;

/// Gives the only user of this user namespace its name outside.
///
/// # Errors
/// What the kernel says. On Ubuntu the refusal often comes from AppArmor.
pub(crate) fn map_ids(own: &OwnedFd, outer_uid: u32, outer_gid: u32) -> io::Result<()> {
    let maps = [
        ("setgroups", "deny".to_owned()),
        ("gid_map", format!("{GID_INSIDE} {outer_gid} 1")),
        ("uid_map", format!("{UID_INSIDE} {outer_uid} 1")),
    ];
    for (name, text) in maps {
        let file = rustix::fs::openat(own, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, text.as_bytes())?;
    }
    Ok(())
}

/// The folder of this process in `/proc`. Taken hold of while the host's is there, and good for longer.
///
/// # Errors
/// What the kernel says.
pub(crate) fn own_folder() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/proc/self", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Gives up the rights of the supervisor.
pub(super) fn become_guest(own: &OwnedFd, plan: &Plan, shape: &Shape) -> Result<(), Refused> {
    if !shape.privileged {
        return Ok(());
    }
    give_up(plan.outer_id).map_err(Refused::at("change the user"))?;
    if shape.has(Wall::User) {
        sys::enter_user_namespace().map_err(Refused::at("enter a user namespace"))?;
        map_ids(own, plan.outer_id, plan.outer_id).map_err(Refused::at("map the user"))?;
    }
    Ok(())
}

/// Turns into the user `id` of the host. For a privileged process only.
///
/// # Errors
/// What the kernel says.
pub(crate) fn give_up(id: u32) -> io::Result<()> {
    drop_bounding_set();
    let (user, group) = (rustix::process::Uid::from_raw(id), rustix::process::Gid::from_raw(id));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(group, group, group)?;
    rustix::thread::set_thread_res_uid(user, user, user)?;
    // A change of user closes `/proc/self` of the process; its own id maps are written there.
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    Ok(())
}

/// Gives up every capability, for ever.
///
/// # Errors
/// What the kernel says; `PermissionDenied` when one is left.
pub(super) fn drop_capabilities() -> io::Result<()> {
    drop_bounding_set();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_capabilities(None, none)?;
    let left = rustix::thread::capabilities(None)?;
    if left.effective.is_empty() && left.permitted.is_empty() && left.inheritable.is_empty() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "capabilities are left"))
}

/// Best effort: without the right to do so there is nothing in the permitted set that exec could give back.
fn drop_bounding_set() {
    for capability in CapabilitySet::all().iter() {
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
}
