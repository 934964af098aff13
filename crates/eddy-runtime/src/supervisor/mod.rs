//! The supervisor: the only process that makes jails.
//!
//! It is eddy's own binary, executed again from a sealed copy in memory, with one thread and an empty
//! environment. It speaks with the server over one socket and knows no function, no code and no secret: those
//! go from the server straight to each jail. When the socket ends, because the server stopped or was killed, it
//! kills every jail, removes its control groups and ends.

pub(crate) mod cgroup;
mod launch;
pub(crate) mod message;
mod probe;
mod remedy;
mod sweep;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

use crate::inside::plan::Shape;
use crate::sys::{self, packet};
use cgroup::{Groups, Trees};
use message::{Ask, Configure, Tell};

/// The first argument that makes eddy's binary a supervisor.
pub const ARGUMENT: &str = "__supervisor";

/// Runs the supervisor if that is what this process was started for.
///
/// The binary calls this before anything else in `main`: before there is a thread, a runtime or an open file.
/// `None` means: go on, this is not a supervisor.
pub fn intercept() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    Some(match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    })
}

#[expect(
    clippy::print_stderr,
    reason = "the supervisor has no log of its own; this goes where the server's goes"
)]
fn complain(error: &io::Error) {
    eprintln!("eddy: the supervisor of the jails ended: {error}");
}

/// A jail that was made here.
struct Jail {
    pid: Pid,
    pidfd: OwnedFd,
    groups: Groups,
}

struct Supervisor {
    server: OwnedFd,
    shape: Shape,
    trees: Trees,
    jails: BTreeMap<u64, Jail>,
    /// Groups whose last process is on its way out.
    leaving: Vec<Groups>,
}

/// From the first message to the end of the server.
fn serve() -> io::Result<()> {
    let server = sys::socket_on_stdin()?;
    // Its own session: Ctrl-C in a terminal is for the server, which then stops the guests in order.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let Some((Ask::Configure(configure), _)) = packet::receive::<Ask>(&server)? else {
        return Ok(());
    };
    let mut supervisor = Supervisor::configured(server, &configure)?;
    let outcome = supervisor.work();
    supervisor.end();
    outcome
}

impl Supervisor {
    fn configured(server: OwnedFd, configure: &Configure) -> io::Result<Supervisor> {
        let swept = sweep::sweep(&configure.state);
        if let Some(user) = configure.user {
            crate::inside::give_up(user)?;
        }
        let probed = probe::probe(configure);
        sweep::remember(&configure.state, &probed.trees)?;
        let told = Tell::Configured { walls: probed.walls, shape: probed.shape.clone(), swept };
        packet::send(&server, &told, &[])?;
        Ok(Supervisor {
            server,
            shape: probed.shape,
            trees: probed.trees,
            jails: BTreeMap::new(),
            leaving: Vec::new(),
        })
    }

    /// Until the server is gone.
    fn work(&mut self) -> io::Result<()> {
        loop {
            let (asked, ended) = self.wait()?;
            for id in ended {
                self.buried(id)?;
            }
            self.leaving.retain(|groups| groups.remove().is_err());
            if !asked {
                continue;
            }
            match packet::receive::<Ask>(&self.server) {
                Ok(Some((ask, descriptors))) => self.answer(ask, descriptors)?,
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Blocks until the server says something or jails end. Looks again after 20 ms only while a group lingers.
    fn wait(&self) -> io::Result<(bool, Vec<u64>)> {
        let ids: Vec<u64> = self.jails.keys().copied().collect();
        let mut ready: Vec<PollFd<'_>> = self
            .jails
            .values()
            .map(|jail| PollFd::new(&jail.pidfd, PollFlags::IN))
            .chain([PollFd::new(&self.server, PollFlags::IN)])
            .collect();
        let soon = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let limit = if self.leaving.is_empty() { None } else { Some(&soon) };
        match rustix::event::poll(&mut ready, limit) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok((false, Vec::new())),
            Err(error) => return Err(error.into()),
        }
        let asked = ready.pop().is_some_and(|server| !server.revents().is_empty());
        let ended = ids.iter().zip(&ready).filter(|(_, jail)| !jail.revents().is_empty()).map(|(id, _)| *id);
        Ok((asked, ended.collect()))
    }

    fn answer(&mut self, ask: Ask, mut descriptors: Vec<OwnedFd>) -> io::Result<()> {
        match ask {
            Ask::Configure(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "configured twice")),
            Ask::Start { id, limits } => {
                let control = descriptors.pop().ok_or(io::ErrorKind::InvalidData)?;
                match launch::launch(&self.trees, &self.shape, id, limits, control) {
                    Ok(launched) => {
                        let files: Vec<_> = launched.files.iter().map(|(file, _)| *file).collect();
                        let fds: Vec<_> = launched.files.iter().map(|(_, fd)| fd.as_fd()).collect();
                        let pid = launched.jail.pid.as_raw_nonzero().get();
                        let told = packet::send(&self.server, &Tell::Started { id, pid, files }, &fds);
                        self.jails.insert(id, launched.jail);
                        told
                    }
                    Err(refused) => {
                        let told = Tell::Refused { id, step: refused.step, reason: refused.reason };
                        packet::send(&self.server, &told, &[])
                    }
                }
            }
            Ask::Kill { id } => {
                if let Some(jail) = self.jails.get(&id) {
                    jail.kill();
                }
                Ok(())
            }
        }
    }

    /// A jail's first process has ended: reap it, see what of it is left, and say so.
    fn buried(&mut self, id: u64) -> io::Result<()> {
        let Some(jail) = self.jails.remove(&id) else { return Ok(()) };
        jail.reap();
        if !self.shape.has(crate::Wall::Process) {
            let known: Vec<Pid> = self.jails.values().map(|jail| jail.pid).collect();
            kill_children(&known);
        }
        let out_of_memory = jail.groups.out_of_memory();
        if jail.groups.remove().is_err() {
            self.leaving.push(jail.groups);
        }
        match packet::send(&self.server, &Tell::Ended { id, out_of_memory }, &[]) {
            // Then the next read says so too, and that is where it is handled.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// The server is gone: nothing of its guests may stay.
    fn end(mut self) {
        for jail in self.jails.values() {
            jail.kill();
        }
        for (_, jail) in std::mem::take(&mut self.jails) {
            jail.reap();
            self.leaving.push(jail.groups);
        }
        kill_children(&[]);
        for _ in 0..100 {
            self.leaving.retain(|groups| groups.remove().is_err());
            if self.leaving.is_empty() {
                break;
            }
            let _ = rustix::event::poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 5_000_000 }));
        }
        self.trees.remove();
    }
}

impl Jail {
    fn kill(&self) {
        self.groups.kill();
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    fn reap(&self) {
        let _ = rustix::io::retry_on_intr(|| {
            rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED)
        });
    }
}

/// Kills and reaps the children of this process that are not in `known`: what jails without a pid namespace left.
pub(crate) fn kill_children(known: &[Pid]) {
    // Each round ends at least one generation; one that forks faster than this is stopped by its process limit.
    for _ in 0..64 {
        let listed = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        let strangers: Vec<Pid> = listed
            .split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .filter(|pid| !known.contains(pid))
            .collect();
        if strangers.is_empty() {
            return;
        }
        for pid in &strangers {
            let _ = rustix::process::kill_process(*pid, Signal::KILL);
        }
        for pid in strangers {
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
        }
    }
}
