//! The birth of a jail: groups, process, membership, and the word to go.

use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::PipeFlags;
use rustix::process::Pid;

use super::Jail;
use super::cgroup::{Groups, Trees};
use super::message::{GroupFile, Limits};
use crate::Wall;
use crate::inside::plan::Shape;
use crate::inside::{self, Refused};
use crate::sys::{self, Cloned};

pub(super) struct Launched {
    pub(super) jail: Jail,
    pub(super) files: Vec<(GroupFile, OwnedFd)>,
}

/// Makes the groups of a jail and its first process in them.
///
/// # Errors
/// What the kernel refused. Nothing is left then.
pub(super) fn launch(
    trees: &Trees,
    shape: &Shape,
    id: u64,
    limits: Limits,
    control: OwnedFd,
) -> Result<Launched, Refused> {
    let groups = trees.make(id, limits).map_err(Refused::at("make control groups"))?;
    let (pid, pidfd, go) = match born(&groups, shape, control) {
        Ok(born) => born,
        Err(refused) => {
            // Empty groups go at once; if not, the next sweep finds them.
            let _ = groups.remove();
            return Err(refused);
        }
    };
    let jail = Jail { pid, pidfd, groups };
    match admit(&jail, limits, &go) {
        Ok(files) => Ok(Launched { jail, files }),
        Err(refused) => {
            jail.kill();
            jail.reap();
            let _ = jail.groups.remove();
            Err(refused)
        }
    }
}

/// Puts the process into its groups and lets it go on.
fn admit(jail: &Jail, limits: Limits, go: &OwnedFd) -> Result<Vec<(GroupFile, OwnedFd)>, Refused> {
    jail.groups.join(jail.pid).map_err(Refused::at("join control groups"))?;
    let files = jail.groups.files(limits).map_err(Refused::at("open control groups"))?;
    rustix::io::write(go, &[1]).map_err(Refused::at("let the jail go"))?;
    Ok(files)
}

fn born(groups: &Groups, shape: &Shape, control: OwnedFd) -> Result<(Pid, OwnedFd, OwnedFd), Refused> {
    let (wait, go) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(Refused::at("make a pipe"))?;
    let group = groups.unified();
    match sys::clone3(namespaces(shape), group.as_ref().map(AsFd::as_fd))
        .map_err(Refused::at("make a process in new namespaces"))?
    {
        Cloned::Child => {
            std::mem::forget((go, group));
            inside::run(control, wait, shape)
        }
        Cloned::Parent { pid, pidfd } => Ok((pid, pidfd, go)),
    }
}

/// The namespaces that the first process is born into. The others are entered later, see [`inside`].
fn namespaces(shape: &Shape) -> u64 {
    let mut flags = 0;
    if shape.has(Wall::User) && !shape.privileged {
        flags |= libc::CLONE_NEWUSER;
    }
    for (wall, flag) in super::probe::BORN_INTO {
        if shape.has(*wall) {
            flags |= *flag;
        }
    }
    flags as u64
}
