//! The file system of a jail: an empty root in memory, and in it only what the plan names.
//!
//! With the mount calls of Linux 5.2 and later: a source is taken hold of before the new root hides anything,
//! restricted while nobody sees it, and only then put in place.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags,
};

use super::Refused;
use super::plan::{Kind, Mount, Plan, Shape};
use crate::Wall;
use crate::sys;

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
const NO_SETUID: u64 = libc::MOUNT_ATTR_NOSUID;
const NO_DEVICES: u64 = libc::MOUNT_ATTR_NODEV;

/// What of `/proc` shows the machine rather than the jail, and nobody needs.
const HIDDEN_FILES: &[&str] =
    &["kcore", "keys", "key-users", "kallsyms", "timer_list", "sched_debug", "latency_stats", "config.gz"];
const HIDDEN_FOLDERS: &[&str] = &["acpi", "asound", "bus", "driver", "fs", "irq", "scsi"];

/// A plan with nothing in it, for finding out whether roots can be made at all.
pub(crate) fn smallest() -> Plan {
    Plan { tmp_bytes_max: 4096, ..Plan::default() }
}

/// Mounts a `/proc` of this pid namespace somewhere, to see whether that is allowed.
///
/// # Errors
/// What the kernel says.
pub(crate) fn proc_mounts() -> io::Result<()> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    new_proc().map(drop)
}

/// Makes the root and moves into it. The host's file system is out of reach afterwards.
pub(crate) fn build(plan: &Plan, shape: &Shape) -> Result<(), Refused> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(Refused::at("make the mounts private"))?;
    let mut sources = Vec::with_capacity(plan.mounts.len());
    for mount in &plan.mounts {
        if let Some(source) = take(mount)? {
            sources.push((mount, source));
        }
    }
    let proc =
        if shape.has(Wall::Proc) { Some(new_proc().map_err(Refused::at("make /proc"))?) } else { None };
    let null = clone_of(Path::new("/dev/null"), NO_SETUID).map_err(Refused::at("take /dev/null"))?;

    let base = base().map_err(Refused::at("find a folder to build on"))?;
    let root = memory("4m", "0755", "4096").map_err(Refused::at("make the root"))?;
    attach(&root, &base).map_err(Refused::at("attach the root"))?;
    for (mount, source) in sources {
        put(&base, mount, &source)?;
    }
    furnish(&base, plan)?;
    if let Some(proc) = &proc {
        hide_machine(&base, proc, &null)?;
    }
    for name in ["tmp", "dev", "proc"] {
        fs::create_dir_all(base.join(name)).map_err(Refused::at("furnish the root"))?;
    }
    let pages = (plan.tmp_bytes_max / 4096).max(1);
    let temporary = memory(&plan.tmp_bytes_max.to_string(), "1777", &pages.to_string()).and_then(|mount| {
        sys::restrict_mount(mount.as_fd(), false, NO_SETUID | NO_DEVICES)?;
        attach(&mount, &base.join("tmp"))
    });
    temporary.map_err(Refused::at("make /tmp"))?;
    sys::restrict_mount(root.as_fd(), false, READ_ONLY | NO_SETUID | NO_DEVICES)
        .map_err(Refused::at("make the root read-only"))?;
    enter(&base).map_err(Refused::at("move into the root"))
}

/// The files and links of the root.
fn furnish(base: &Path, plan: &Plan) -> Result<(), Refused> {
    for (path, content) in &plan.files {
        let path = below(base, path);
        parents(&path)
            .and_then(|()| fs::write(&path, content))
            .map_err(Refused::at(format!("write {}", path.display())))?;
    }
    for (path, target) in &plan.links {
        let path = below(base, path);
        parents(&path)
            .and_then(|()| symlink(target, &path))
            .map_err(Refused::at(format!("link {}", path.display())))?;
    }
    Ok(())
}

/// `/proc`, without what shows the machine.
fn hide_machine(base: &Path, proc: &OwnedFd, null: &OwnedFd) -> Result<(), Refused> {
    let path = base.join("proc");
    fs::create_dir_all(&path).and_then(|()| attach(proc, &path)).map_err(Refused::at("attach /proc"))?;
    // Kernels before 6.15 copy only what is attached.
    let pattern = base.join("run/eddy/nothing");
    parents(&pattern)
        .and_then(|()| fs::write(&pattern, ""))
        .and_then(|()| attach(null, &pattern))
        .map_err(Refused::at("attach /dev/null"))?;
    for name in HIDDEN_FILES {
        cover(&path.join(name), || clone_of(&pattern, NO_SETUID))?;
    }
    rustix::mount::unmount(&pattern, UnmountFlags::DETACH).map_err(Refused::at("detach /dev/null"))?;
    fs::remove_file(&pattern).map_err(Refused::at("detach /dev/null"))?;
    for name in HIDDEN_FOLDERS {
        cover(&path.join(name), || {
            let empty = memory("4096", "0555", "1")?;
            sys::restrict_mount(empty.as_fd(), false, READ_ONLY | NO_SETUID | NO_DEVICES)?;
            Ok(empty)
        })?;
    }
    Ok(())
}

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);

/// Lays something over a path, if the path is there.
fn cover(path: &Path, with: impl FnOnce() -> io::Result<OwnedFd>) -> Result<(), Refused> {
    if !path.exists() {
        return Ok(());
    }
    with().and_then(|mount| attach(&mount, path)).map_err(Refused::at(format!("hide {}", path.display())))
}

/// Takes hold of a source and restricts it.
fn take(mount: &Mount) -> Result<Option<OwnedFd>, Refused> {
    let attributes = match mount.kind {
        Kind::Needed | Kind::Optional => READ_ONLY | NO_SETUID | NO_DEVICES,
        Kind::Device => NO_SETUID,
    };
    match (clone_of(&mount.from, attributes), mount.kind) {
        (Ok(source), _) => Ok(Some(source)),
        (Err(_), Kind::Optional | Kind::Device) => Ok(None),
        (Err(error), Kind::Needed) => {
            Err(Refused::at(format!("take {} into the jail", mount.from.display()))(error))
        }
    }
}

/// A copy of what is mounted at and below a path, not attached to anything.
fn clone_of(path: &Path, attributes: u64) -> io::Result<OwnedFd> {
    let source = rustix::mount::open_tree(CWD, path, CLONE | OpenTreeFlags::AT_RECURSIVE)?;
    sys::restrict_mount(source.as_fd(), true, attributes)?;
    Ok(source)
}

fn put(base: &Path, mount: &Mount, source: &OwnedFd) -> Result<(), Refused> {
    let path = below(base, &mount.to);
    let target = || -> io::Result<()> {
        let folder = rustix::fs::fstat(source)?.st_mode & libc::S_IFMT == libc::S_IFDIR;
        if folder {
            fs::create_dir_all(&path)?;
        } else {
            // In a folder that was put there before, it is there and cannot be written.
            if !path.exists() {
                parents(&path)?;
                fs::write(&path, b"")?;
            }
        }
        attach(source, &path)
    };
    target().map_err(Refused::at(format!("put {} into the jail", mount.to.display())))
}

/// A file system in memory.
fn memory(bytes: &str, mode: &str, entries: &str) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in [("size", bytes), ("mode", mode), ("nr_inodes", entries)] {
        rustix::mount::fsconfig_set_string(&context, key, value)?;
    }
    rustix::mount::fsconfig_create(&context)?;
    Ok(rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
}

fn new_proc() -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    // 2 is "invisible": processes that one may not trace are not there. The jail's init is one.
    rustix::mount::fsconfig_set_string(&context, "hidepid", "2")?;
    rustix::mount::fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    Ok(rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

fn attach(mount: &OwnedFd, at: &Path) -> io::Result<()> {
    Ok(rustix::mount::move_mount(mount, "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// A folder of the host to lay the root over: any will do, since only this mount namespace sees it.
fn base() -> io::Result<PathBuf> {
    let any = ["/tmp", "/var", "/usr", "/etc"].map(PathBuf::from).into_iter().find(|path| path.is_dir());
    any.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no folders"))
}

fn enter(base: &Path) -> io::Result<()> {
    rustix::process::chdir(base)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    Ok(())
}

fn below(base: &Path, path: &Path) -> PathBuf {
    base.join(path.strip_prefix("/").unwrap_or(path))
}

fn parents(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
