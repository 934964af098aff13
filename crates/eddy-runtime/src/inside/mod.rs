//! What happens between the birth of a jail's first process and the start of its program.
//!
//! The order is the point. As root the mounts are made with the rights of root and the user namespace is
//! entered behind them, so nothing inside has a right over them; an ordinary user is in the user namespace from
//! the start. Then: limits, capabilities, no_new_privs, landlock, and the system call filter last. Only then is
//! the program started, by a process that has all walls around itself and stays as the jail's init.
//!
//! Everything here runs in a copy of the supervisor with a single thread. It must not return to the
//! supervisor's code: see [`run`].

mod first;
mod identity;
mod mounts;
mod network;
pub(crate) mod plan;
pub(crate) mod rules;
pub(crate) mod syscalls;

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::fs::{Mode, OFlags};
use rustix::process::{DumpableBehavior, Rlimit, Signal};

use crate::Wall;
use crate::sys::{self, packet};
use plan::{Limit, Plan, Report, Shape};

pub(crate) use identity::{UID_INSIDE, give_up, map_ids, own_folder};
pub(crate) use mounts::{build as build_root, proc_mounts, smallest};
pub(crate) use network::raise as raise_network;

/// A step that the kernel refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) step: String,
    pub(crate) reason: String,
}

impl Refused {
    pub(crate) fn at<E: std::fmt::Display>(step: impl Into<String>) -> impl FnOnce(E) -> Refused {
        move |error| Refused { step: step.into(), reason: error.to_string() }
    }
}

/// Becomes the jail: the rest of the life of the process that `clone3` made.
///
/// `control` leads to the server, which sends the [`Plan`]; `go` ends when the supervisor has put this process
/// into its control groups.
pub(crate) fn run(control: OwnedFd, go: OwnedFd, shape: &Shape) -> ! {
    let done = catch_unwind(AssertUnwindSafe(|| {
        let Ok((control, go)) = keep_only(control, go) else { return };
        if let Err(refused) = live(&control, go, shape) {
            let report = Report::Failed { step: refused.step, reason: refused.reason };
            // The server may be gone, and then nobody is there to be told.
            let _ = packet::send(&control, &report, &[]);
        }
        std::mem::forget(control);
    }));
    sys::exit_now(if done.is_ok() { 0 } else { 101 })
}

/// Closes all that was inherited from the supervisor but the two descriptors.
fn keep_only(control: OwnedFd, go: OwnedFd) -> io::Result<(OwnedFd, OwnedFd)> {
    const ABOVE: i32 = 16;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let kept = [null.as_fd(), control.as_fd(), go.as_fd()]
        .map(|descriptor| rustix::io::fcntl_dupfd_cloexec(descriptor, ABOVE));
    std::mem::forget((null, control, go));
    let [null, control, go] = kept;
    let (null, control, go) = (null?, control?, go?);
    for number in 0..=2 {
        sys::place(null.as_fd(), number)?;
    }
    sys::place(control.as_fd(), 3)?;
    sys::place(go.as_fd(), 4)?;
    std::mem::forget((null, control, go));
    sys::close_from(5);
    let (control, go) = (sys::adopt(3), sys::adopt(4));
    rustix::io::fcntl_setfd(&control, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::fcntl_setfd(&go, rustix::io::FdFlags::CLOEXEC)?;
    Ok((control, go))
}

fn live(control: &OwnedFd, go: OwnedFd, shape: &Shape) -> Result<(), Refused> {
    sys::default_signals();
    // What is made here is for a guest that is somebody else.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let (plan, descriptors) =
        packet::receive::<Plan>(control).map_err(Refused::at("read the plan"))?.ok_or_else(|| Refused {
            step: "read the plan".to_owned(),
            reason: "the server is gone".to_owned(),
        })?;
    let built = build(&plan, shape, go)?;
    let events = sys::child_events().map_err(Refused::at("watch for the end of children"))?;
    enclose(&plan, shape)?;
    let fds: Vec<BorrowedFd<'_>> =
        built.temporary.iter().map(AsFd::as_fd).chain(built.listeners.iter().map(AsFd::as_fd)).collect();
    first::start(control, &events, &plan, shape, descriptors, &fds)
}

/// Blocks until the other end of the pipe is closed after a byte, as the supervisor does when all is set.
fn wait_for(go: OwnedFd) -> Result<(), Refused> {
    let mut byte = [0];
    match rustix::io::retry_on_intr(|| rustix::io::read(&go, &mut byte)) {
        Ok(1) => Ok(()),
        Ok(_) => Err(Refused { step: "wait for the supervisor".to_owned(), reason: "it gave up".to_owned() }),
        Err(error) => Err(Refused::at("wait for the supervisor")(error)),
    }
}

/// What was built that the server wants to hold.
struct Built {
    /// The jail's `/tmp`, to ask how full it is.
    temporary: Option<OwnedFd>,
    listeners: Vec<TcpListener>,
}

/// The walls that need rights to build, in their order. Joining control groups takes the supervisor milliseconds:
/// what needs no membership is built meanwhile.
fn build(plan: &Plan, shape: &Shape, go: OwnedFd) -> Result<Built, Refused> {
    let own = identity::own_folder().map_err(Refused::at("open /proc/self"))?;
    if !shape.privileged && shape.has(Wall::User) {
        map_ids(&own, shape.uid, shape.gid).map_err(Refused::at("map the user"))?;
    }
    if shape.has(Wall::Uts) {
        rustix::system::sethostname(b"sandbox").map_err(Refused::at("set the host name"))?;
    }
    // Best effort: where the machine runs out of memory, guests should go before their server.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    let listeners = if shape.has(Wall::Network) { network::open(&plan.ports)? } else { Vec::new() };
    let temporary = if shape.has(Wall::Mount) {
        mounts::build(plan, shape)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Some(rustix::fs::open("/tmp", flags, Mode::empty()).map_err(Refused::at("open /tmp"))?)
    } else {
        None
    };
    wait_for(go)?;
    if shape.has(Wall::CgroupView) {
        sys::enter_cgroup_namespace().map_err(Refused::at("enter a cgroup namespace"))?;
    }
    identity::become_guest(&own, plan, shape)?;
    Ok(Built { temporary, listeners })
}

/// The walls that need no rights, after which nothing more can be built.
fn enclose(plan: &Plan, shape: &Shape) -> Result<(), Refused> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Refused::at("tie the jail's life to the supervisor's"))?;
    for Limit { resource, most } in &plan.limits {
        // Where the machine allows less than that, it stays with what the machine allows.
        let allowed = rustix::process::getrlimit(resource.of_kernel()).maximum;
        let most = allowed.map_or(*most, |allowed| allowed.min(*most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource.of_kernel(), limit)
            .map_err(Refused::at(format!("limit {resource:?}")))?;
    }
    identity::drop_capabilities().map_err(Refused::at("drop capabilities"))?;
    rustix::thread::set_no_new_privs(true).map_err(Refused::at("set no_new_privs"))?;
    if shape.has(Wall::Landlock) {
        rules::enforce(&plan.rules)?;
    }
    // The memory of this process is a copy of the supervisor's: no guest may look into it.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(Refused::at("close the memory of init"))?;
    if shape.has(Wall::Seccomp) {
        syscalls::enforce(!shape.has(Wall::Network))?;
    }
    Ok(())
}
