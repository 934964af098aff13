//! The few system calls that have no safe wrapper, each behind a function that is safe to call.
//!
//! All `unsafe` of the crate is in this file. It decides nothing.
#![expect(unsafe_code, reason = "clone3, fork, exec, mount_setattr and an ioctl have no safe wrapper")]

pub(crate) mod packet;

use std::ffi::{CString, c_char};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `CLONE_INTO_CGROUP`, which libc has in a type that cannot hold it.
const INTO_GROUP: u64 = 0x2_0000_0000;

/// What [`clone3`] made of the caller.
pub(crate) enum Cloned {
    /// This is the new process.
    Child,
    /// This is the old one; the descriptor names the new one for ever.
    Parent { pid: Pid, pidfd: OwnedFd },
}

/// Copies this process into new namespaces, optionally straight into a v2 control group.
///
/// Only for a process with a single thread: the copy has no other, and locks that another held would stay held.
///
/// # Errors
/// What the kernel says.
pub(crate) fn clone3(namespaces: u64, group: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    let mut pidfd: RawFd = -1;
    // SAFETY: all zero is the documented "nothing asked" of clone_args.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = namespaces | libc::CLONE_PIDFD as u64;
    arguments.pidfd = ptr::from_mut(&mut pidfd) as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    if let Some(group) = group {
        arguments.flags |= INTO_GROUP;
        arguments.cgroup = group.as_raw_fd() as u64;
    }
    // SAFETY: the arguments live across the call and no stack is given, so the child runs on a copy of ours as
    // after fork; the callers have one thread, so the copied memory is consistent.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>()) };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Cloned::Child),
        pid => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the kernel gives positive ids");
            // SAFETY: the kernel has just made this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Cloned::Parent { pid, pidfd })
        }
    }
}

/// Copies this process. `None` in the child. Only for a process with a single thread.
///
/// # Errors
/// What the kernel says.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the callers have one thread, so the child may do all that the parent may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// Becomes another program. Returns only to say why not.
pub(crate) fn exec(path: &CString, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |texts: &[CString]| -> Vec<*const c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both lists end with a null pointer and their texts outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Makes `from` also known as `to`, closing what `to` was, and lets it survive exec.
///
/// # Errors
/// What the kernel says.
pub(crate) fn place(from: BorrowedFd<'_>, to: RawFd) -> io::Result<()> {
    if from.as_raw_fd() == to {
        // SAFETY: clears the flags of an open descriptor.
        return result(unsafe { libc::fcntl(to, libc::F_SETFD, 0) });
    }
    // SAFETY: `from` is open. Callers place only below the numbers that their owned descriptors have.
    result(unsafe { libc::dup2(from.as_raw_fd(), to) })
}

/// Takes over descriptor `number`, which the caller has put there.
pub(crate) fn adopt(number: RawFd) -> OwnedFd {
    // SAFETY: the callers have placed this descriptor themselves and own it under no other name.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Closes every descriptor from `first` on. Only for a process that uses none of them any more.
pub(crate) fn close_from(first: u32) {
    // SAFETY: the caller forgoes the descriptors; nothing else in this single-threaded process uses them.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if closed == 0 {
        return;
    }
    for number in first..4096 {
        // SAFETY: as above; closing a number that is not open does nothing.
        unsafe { libc::close(number as RawFd) };
    }
}

/// Restricts a mount that is not yet attached, with all that is below it if `recursive`.
///
/// # Errors
/// What the kernel says.
pub(crate) fn restrict_mount(mount: BorrowedFd<'_>, recursive: bool, attributes: u64) -> io::Result<()> {
    let change = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: path and structure live across the call; the size given is the structure's own.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Brings the loopback interface of this network namespace up.
///
/// # Errors
/// What the kernel says.
pub(crate) fn raise_loopback(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as c_char;
    request.ifr_name[1] = b'o' as c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: SIOCSIFFLAGS reads an ifreq, which lives across the call.
    result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) })
}

/// Blocks SIGCHLD and gives a descriptor that is readable when a child has ended.
///
/// # Errors
/// What the kernel says.
pub(crate) fn child_events() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is used, and both calls only read it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        result(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()))?;
        let descriptor = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        result(descriptor)?;
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

/// Undoes what a process inherits of signal settings: nothing blocked, everything at its default.
pub(crate) fn default_signals() {
    // SAFETY: setting default dispositions and an empty mask touches no memory of ours.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut());
    }
}

/// Sends a signal to every process that this one may signal, except itself: for the first process of a pid
/// namespace, that is the whole jail.
pub(crate) fn signal_all(signal: i32) {
    // SAFETY: kill touches no memory.
    unsafe { libc::kill(-1, signal) };
}

/// Ends this process at once: no destructors, no exit handlers of the process that it was copied from.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit does not return and runs nothing of ours.
    unsafe { libc::_exit(code) }
}

/// Leaves the user namespace for one of its own.
///
/// # Errors
/// What the kernel says.
pub(crate) fn enter_user_namespace() -> io::Result<()> {
    // SAFETY: the only thread of this process leaves; the table of descriptors is not unshared.
    Ok(unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) }?)
}

/// Makes the control groups that this process is in look like the roots of their trees.
///
/// # Errors
/// What the kernel says.
pub(crate) fn enter_cgroup_namespace() -> io::Result<()> {
    // SAFETY: as above.
    Ok(unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWCGROUP) }?)
}

/// Hands a descriptor to the executor, which then says when it is ready.
///
/// # Errors
/// What the kernel says; outside a runtime it panics, as all of tokio does.
pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an owned descriptor stays open and the same for as long as it is owned, and the returned value owns it.
    unsafe { AsyncFd::register(descriptor) }.map_err(|error| io::Error::other(error.to_string()))
}

/// Hands a descriptor to the executor, which then says when one kind of thing happens on it.
///
/// # Errors
/// What the kernel says; outside a runtime it panics, as all of tokio does.
pub(crate) fn watch_for(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: as in `watch`.
    unsafe { AsyncFd::register_with_interest(descriptor, interest) }
        .map_err(|error| io::Error::other(error.to_string()))
}

/// The socket that [`std::process::Command`] put on standard input.
///
/// # Errors
/// What the kernel says.
pub(crate) fn socket_on_stdin() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

fn result(code: i32) -> io::Result<()> {
    if code == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// How many descriptors this process may have open at a time; [`u64::MAX`] for any number.
pub fn open_files_max() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}
