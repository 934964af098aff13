//! The first process of a jail: it starts the program, buries orphans, and ends when the program does.
//!
//! With its end the kernel ends whatever else runs in the pid namespace. Where there is none, it kills the
//! program's group and leaves the rest to the supervisor.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions};

use super::Refused;
use super::plan::{Order, Plan, Program, Report, Shape};
use crate::Wall;
use crate::sys::{self, packet};

/// Starts the program and stays until its end.
///
/// `descriptors` are the program's: standard output, standard error, log records, and the frame channel if it has
/// one. `built` goes to the server with the news that the program runs.
pub(super) fn start(
    control: &OwnedFd,
    events: &OwnedFd,
    plan: &Plan,
    shape: &Shape,
    descriptors: Vec<OwnedFd>,
    built: &[BorrowedFd<'_>],
) -> Result<(), Refused> {
    let own_pids = shape.has(Wall::Process);
    if !own_pids {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(Refused::at("adopt orphans"))?;
    }
    let running = Report::Running { own_tmp: shape.has(Wall::Mount) };
    let Some(program) = &plan.program else {
        return packet::send(control, &running, built).map_err(Refused::at("report"));
    };
    match launch(program, &descriptors).map_err(Refused::at("start the program"))? {
        Launched::Runs(pid) => {
            drop(descriptors);
            packet::send(control, &running, built).map_err(Refused::at("report"))?;
            serve(control, events, pid, own_pids);
        }
        Launched::CannotRun(error) => {
            let reason = format!("cannot run {}: {error}", program.path.display());
            packet::send(control, &Report::NotRun { reason }, &[]).map_err(Refused::at("report"))?;
        }
    }
    Ok(())
}

enum Launched {
    Runs(Pid),
    CannotRun(io::Error),
}

/// Forks and executes. The pipe between the two ends at the exec, or carries the error of it.
fn launch(program: &Program, descriptors: &[OwnedFd]) -> io::Result<Launched> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let path = CString::new(program.path.as_os_str().as_bytes())?;
    let arguments =
        program.arguments.iter().map(|text| CString::new(text.as_str())).collect::<Result<Vec<_>, _>>()?;
    let environment = program
        .environment
        .iter()
        .map(|(name, value)| CString::new(format!("{name}={value}")))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(pid) = sys::fork()? else {
        let error = prepare(program, descriptors, &write)
            .map_or_else(|error| error, |()| sys::exec(&path, &arguments, &environment));
        let _ = rustix::io::write(
            sys::adopt(REPORT).as_fd(),
            &error.raw_os_error().unwrap_or(libc::EIO).to_ne_bytes(),
        );
        sys::exit_now(127);
    };
    drop(write);
    let mut code = [0; 4];
    match rustix::io::retry_on_intr(|| rustix::io::read(&read, &mut code))? {
        4 => Ok(Launched::CannotRun(io::Error::from_raw_os_error(i32::from_ne_bytes(code)))),
        _ => Ok(Launched::Runs(pid)),
    }
}

/// Where the child keeps its end of the pipe, behind the program's own descriptors.
const REPORT: i32 = 5;

/// In the child: descriptors, session and folder of the program.
fn prepare(program: &Program, descriptors: &[OwnedFd], report: &OwnedFd) -> io::Result<()> {
    const ABOVE: i32 = 32;
    sys::default_signals();
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // First all out of the way, then each to its number: descriptor 3 is init's control socket until then, which
    // exec closes if nothing else is put there.
    let held: Vec<OwnedFd> = [&null, report]
        .into_iter()
        .chain(descriptors)
        .map(|descriptor| rustix::io::fcntl_dupfd_cloexec(descriptor, ABOVE))
        .collect::<Result<_, _>>()?;
    std::mem::forget(null);
    // Order of the plan: stdout, stderr, log records, channel.
    for (descriptor, number) in held.iter().zip([0, REPORT, 1, 2, 4, 3]) {
        sys::place(descriptor.as_fd(), number)?;
    }
    std::mem::forget(held);
    sys::close_from(REPORT as u32 + 1);
    let held = sys::adopt(REPORT);
    rustix::io::fcntl_setfd(&held, rustix::io::FdFlags::CLOEXEC)?;
    std::mem::forget(held);
    // Its own group, so that all of it can be signalled where there is no pid namespace.
    rustix::process::setsid()?;
    rustix::process::chdir(&program.folder)?;
    Ok(())
}

/// Waits for the end of the program, or of the server.
fn serve(control: &OwnedFd, events: &OwnedFd, program: Pid, own_pids: bool) {
    loop {
        let mut ready = [PollFd::new(control, PollFlags::IN), PollFd::new(events, PollFlags::IN)];
        match rustix::event::poll(&mut ready, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
        let [orders, children] = ready.map(|one| !one.revents().is_empty());
        if children {
            let mut one = [0; 128];
            while rustix::io::read(events, &mut one).is_ok() {}
            if let Some((code, signal)) = bury(program) {
                let _ = packet::send(control, &Report::Ended { code, signal }, &[]);
                break;
            }
        }
        if orders {
            match packet::receive::<Order>(control) {
                Ok(Some((Order::Stop, _))) => tell_all(program, own_pids, Signal::STOP),
                Ok(Some((Order::Continue, _))) => tell_all(program, own_pids, Signal::CONT),
                Ok(None) | Err(_) => break,
            }
        }
    }
    if !own_pids {
        // What has left the group is adopted by the supervisor when this process ends, and killed there.
        let _ = rustix::process::kill_process_group(program, Signal::KILL);
    }
}

/// Reaps all that have ended. Says how the program ended, if it is among them.
fn bury(program: Pid) -> Option<(Option<i32>, Option<i32>)> {
    let mut end = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == program {
            end = Some((status.exit_status(), status.terminating_signal()));
        }
    }
    end
}

fn tell_all(program: Pid, own_pids: bool, signal: Signal) {
    if own_pids {
        sys::signal_all(signal.as_raw());
    } else {
        let _ = rustix::process::kill_process_group(program, signal);
    }
}
