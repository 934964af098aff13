//! The system calls that a guest may make: an allow-list, so what a kernel adds tomorrow is closed today.
//!
//! What programs try and can do without answers `ENOSYS`, so that they take their older way; everything else
//! that is not on the list answers `EPERM`. Nothing is killed for asking.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::Refused;

#[cfg(target_arch = "x86_64")]
const MACHINE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: TargetArch = TargetArch::aarch64;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the list of allowed system calls is written for x86_64 and aarch64");

/// Any of the flags with which `clone` would make a namespace.
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

/// Filters this process and all that it will start. For ever; last of all walls.
///
/// `host_network` is set where there is no network namespace: then datagrams to the internet are closed too,
/// since nothing else would stop them.
///
/// # Errors
/// What the kernel says.
pub(super) fn enforce(host_network: bool) -> Result<(), Refused> {
    let refused = |error: &dyn std::fmt::Display| Refused {
        step: "filter system calls".to_owned(),
        reason: error.to_string(),
    };
    // Of two filters that both refuse the kernel takes the later one's error, but each is asked. The first may
    // only turn calls that the second allows into ENOSYS.
    for program in programs(host_network).map_err(|error| refused(&error))? {
        seccompiler::apply_filter(program).map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// The two filters, in the order in which they are to be applied.
///
/// Compiled once: a supervisor that has called this before it makes jails spares each of them the work.
///
/// # Errors
/// When they do not compile, which a test would have shown.
pub(crate) fn programs(host_network: bool) -> Result<&'static [BpfProgram; 2], seccompiler::BackendError> {
    static COMPILED: [OnceLock<[BpfProgram; 2]>; 2] = [OnceLock::new(), OnceLock::new()];
    let place = &COMPILED[usize::from(host_network)];
    if let Some(compiled) = place.get() {
        return Ok(compiled);
    }
    let compiled = compile(host_network)?;
    Ok(place.get_or_init(|| compiled))
}

fn compile(host_network: bool) -> Result<[BpfProgram; 2], seccompiler::BackendError> {
    let absent: Rules = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
    let absent =
        SeccompFilter::new(absent, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32), MACHINE)?;
    let mut allowed: Rules = ALLOWED.iter().chain(ABSENT).map(|call| (*call, Vec::new())).collect();
    allowed.extend(LEGACY.iter().map(|call| (*call, Vec::new())));
    allowed.extend(conditional(host_network)?);
    let allowed =
        SeccompFilter::new(allowed, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, MACHINE)?;
    Ok([absent.try_into()?, allowed.try_into()?])
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls that are allowed with some arguments only.
fn conditional(host_network: bool) -> Result<Rules, seccompiler::BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let word = |index, how, value| SeccompCondition::new(index, SeccompCmpArgLen::Dword, how, value);
    let wide = |index, how, value| SeccompCondition::new(index, SeccompCmpArgLen::Qword, how, value);
    let one = |condition: SeccompCondition| SeccompRule::new(vec![condition]);

    let families: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];
    // The flags above the low four bits are CLOEXEC and NONBLOCK. Raw and packet sockets are left out.
    let kinds: &[i32] = &[libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET];
    let mut sockets = Vec::new();
    for family in families {
        for kind in kinds {
            if host_network && *family != libc::AF_UNIX && *kind == libc::SOCK_DGRAM {
                continue;
            }
            sockets.push(SeccompRule::new(vec![
                word(0, Eq, *family as u64)?,
                word(1, MaskedEq(0xf), *kind as u64)?,
            ])?);
        }
    }
    // Terminals: neither may input be faked nor the console be asked.
    let ioctl = SeccompRule::new(vec![word(1, Ne, 0x5412)?, word(1, Ne, 0x541c)?])?;
    let mut nodes = Vec::new();
    for kind in [libc::S_IFREG, libc::S_IFIFO, libc::S_IFSOCK, 0] {
        nodes.push(u64::from(kind));
    }
    let at = |index| -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        nodes.iter().map(|kind| one(word(index, MaskedEq(u64::from(libc::S_IFMT)), *kind)?)).collect()
    };
    let mut rules = Rules::from([
        (libc::SYS_socket, sockets),
        (libc::SYS_socketpair, vec![one(word(0, Eq, libc::AF_UNIX as u64)?)?]),
        (libc::SYS_clone, vec![one(wide(0, MaskedEq(NEW_NAMESPACES), 0)?)?]),
        (libc::SYS_ioctl, vec![ioctl]),
        // Only the question, and the answer that is already true.
        (libc::SYS_personality, vec![one(word(0, Eq, 0)?)?, one(word(0, Eq, 0xffff_ffff)?)?]),
        (libc::SYS_mknodat, at(2)?),
    ]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_mknod, at(1)?);
    Ok(rules)
}

/// What answers `ENOSYS`: libraries ask for it and have an older way. `clone3` is here since its flags cannot be
/// looked at.
const ABSENT: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_openat2,
    libc::SYS_futex_waitv,
    452, // fchmodat2
    libc::SYS_process_madvise,
    libc::SYS_mseal,
    451, // cachestat
    454, // futex_wake
    455, // futex_wait
    456, // futex_requeue
    457, // statmount
    458, // listmount
    463, // setxattrat
    464, // getxattrat
    465, // listxattrat
    466, // removexattrat
];

/// What a guest may do, by what it is for.
#[rustfmt::skip]
const ALLOWED: &[i64] = &[
    // Files
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_pread64, libc::SYS_pwrite64,
    libc::SYS_preadv, libc::SYS_pwritev, libc::SYS_preadv2, libc::SYS_pwritev2, libc::SYS_openat, libc::SYS_close,
    libc::SYS_close_range, libc::SYS_lseek, libc::SYS_ftruncate, libc::SYS_truncate, libc::SYS_fallocate,
    libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_sync_file_range, libc::SYS_sync, libc::SYS_syncfs,
    libc::SYS_fadvise64, libc::SYS_readahead, libc::SYS_sendfile, libc::SYS_splice, libc::SYS_tee,
    libc::SYS_vmsplice, libc::SYS_copy_file_range, libc::SYS_flock, libc::SYS_fcntl, libc::SYS_dup,
    libc::SYS_dup3, libc::SYS_pipe2,
    // Their names and attributes
    libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_statfs, libc::SYS_fstatfs,
    libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_readlinkat, libc::SYS_getdents64, libc::SYS_getcwd,
    libc::SYS_chdir, libc::SYS_fchdir, libc::SYS_mkdirat, libc::SYS_unlinkat, libc::SYS_renameat2,
    libc::SYS_linkat, libc::SYS_symlinkat, libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown,
    libc::SYS_fchownat, libc::SYS_utimensat, libc::SYS_umask, libc::SYS_getxattr, libc::SYS_lgetxattr,
    libc::SYS_fgetxattr, libc::SYS_listxattr, libc::SYS_llistxattr, libc::SYS_flistxattr, libc::SYS_setxattr,
    libc::SYS_lsetxattr, libc::SYS_fsetxattr, libc::SYS_removexattr, libc::SYS_lremovexattr,
    libc::SYS_fremovexattr, libc::SYS_inotify_init1, libc::SYS_inotify_add_watch, libc::SYS_inotify_rm_watch,
    // Memory
    libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mprotect, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk,
    libc::SYS_msync, libc::SYS_mincore, libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_munlock,
    libc::SYS_mlockall, libc::SYS_munlockall, libc::SYS_memfd_create, libc::SYS_get_mempolicy,
    libc::SYS_pkey_alloc, libc::SYS_pkey_free, libc::SYS_pkey_mprotect,
    // Processes and threads
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_exit, libc::SYS_exit_group, libc::SYS_wait4,
    libc::SYS_waitid, libc::SYS_getpid, libc::SYS_getppid, libc::SYS_gettid, libc::SYS_getpgid,
    libc::SYS_setpgid, libc::SYS_getsid, libc::SYS_setsid, libc::SYS_set_tid_address, libc::SYS_set_robust_list,
    libc::SYS_get_robust_list, libc::SYS_rseq, libc::SYS_futex, libc::SYS_membarrier, libc::SYS_prctl,
    libc::SYS_getcpu, libc::SYS_sched_yield, libc::SYS_sched_getaffinity, libc::SYS_sched_setaffinity,
    libc::SYS_sched_getparam, libc::SYS_sched_setparam, libc::SYS_sched_getscheduler,
    libc::SYS_sched_setscheduler, libc::SYS_sched_getattr, libc::SYS_sched_setattr,
    libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min, libc::SYS_sched_rr_get_interval,
    libc::SYS_getpriority, libc::SYS_setpriority, libc::SYS_ioprio_get, libc::SYS_ioprio_set,
    libc::SYS_getrusage, libc::SYS_times, libc::SYS_prlimit64, libc::SYS_getrlimit, libc::SYS_setrlimit,
    libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal, libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_getrandom,
    libc::SYS_capget, libc::SYS_seccomp, libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule,
    libc::SYS_landlock_restrict_self,
    // Identity: asked freely, changed only as far as a user without capabilities can
    libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getegid, libc::SYS_getresuid,
    libc::SYS_getresgid, libc::SYS_getgroups, libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setresuid,
    libc::SYS_setresgid, libc::SYS_setreuid, libc::SYS_setregid, libc::SYS_setfsuid, libc::SYS_setfsgid,
    libc::SYS_setgroups,
    // Signals
    libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill, libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn, libc::SYS_rt_sigpending, libc::SYS_rt_sigsuspend, libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo, libc::SYS_sigaltstack, libc::SYS_signalfd4,
    libc::SYS_restart_syscall,
    // Time
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep, libc::SYS_nanosleep,
    libc::SYS_gettimeofday, libc::SYS_getitimer, libc::SYS_setitimer, libc::SYS_timer_create,
    libc::SYS_timer_settime, libc::SYS_timer_gettime, libc::SYS_timer_getoverrun, libc::SYS_timer_delete,
    libc::SYS_timerfd_create, libc::SYS_timerfd_settime, libc::SYS_timerfd_gettime,
    // Waiting
    libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2, libc::SYS_eventfd2, libc::SYS_io_setup, libc::SYS_io_destroy, libc::SYS_io_submit,
    libc::SYS_io_getevents, libc::SYS_io_cancel,
    // Sockets, once made
    libc::SYS_bind, libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4, libc::SYS_connect,
    libc::SYS_getsockname, libc::SYS_getpeername, libc::SYS_getsockopt, libc::SYS_setsockopt, libc::SYS_sendto,
    libc::SYS_recvfrom, libc::SYS_sendmsg, libc::SYS_recvmsg, libc::SYS_sendmmsg, libc::SYS_recvmmsg,
    libc::SYS_shutdown,
    // Between processes of the jail
    libc::SYS_semget, libc::SYS_semop, libc::SYS_semtimedop, libc::SYS_semctl, libc::SYS_shmget, libc::SYS_shmat,
    libc::SYS_shmdt, libc::SYS_shmctl, libc::SYS_msgget, libc::SYS_msgsnd, libc::SYS_msgrcv, libc::SYS_msgctl,
    libc::SYS_mq_open, libc::SYS_mq_unlink, libc::SYS_mq_timedsend, libc::SYS_mq_timedreceive,
    libc::SYS_mq_notify, libc::SYS_mq_getsetattr,
];

/// The older forms of the above, which only x86_64 still has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const LEGACY: &[i64] = &[
    libc::SYS_open, libc::SYS_creat, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink,
    libc::SYS_getdents, libc::SYS_mkdir, libc::SYS_rmdir, libc::SYS_unlink, libc::SYS_rename, libc::SYS_renameat,
    libc::SYS_link, libc::SYS_symlink, libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime,
    libc::SYS_utimes, libc::SYS_futimesat, libc::SYS_dup2, libc::SYS_pipe, libc::SYS_poll, libc::SYS_select,
    libc::SYS_epoll_create, libc::SYS_epoll_wait, libc::SYS_eventfd, libc::SYS_signalfd, libc::SYS_inotify_init,
    libc::SYS_fork, libc::SYS_vfork, libc::SYS_getpgrp, libc::SYS_pause, libc::SYS_alarm, libc::SYS_time,
    libc::SYS_arch_prctl,
];
#[cfg(target_arch = "aarch64")]
const LEGACY: &[i64] = &[libc::SYS_renameat];

#[cfg(test)]
mod tests {
    use super::*;

    /// What must never be on the list, whatever a library may ask for.
    #[rustfmt::skip]
    const CLOSED: &[i64] = &[
        libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_kcmp,
        libc::SYS_pidfd_getfd, libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_keyctl,
        libc::SYS_add_key, libc::SYS_request_key, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root,
        libc::SYS_chroot, libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_fspick,
        libc::SYS_move_mount, libc::SYS_open_tree, libc::SYS_mount_setattr, libc::SYS_unshare, libc::SYS_setns,
        libc::SYS_open_by_handle_at, libc::SYS_name_to_handle_at, libc::SYS_kexec_load, libc::SYS_init_module,
        libc::SYS_finit_module, libc::SYS_delete_module, libc::SYS_reboot, libc::SYS_swapon, libc::SYS_swapoff,
        libc::SYS_syslog, libc::SYS_acct, libc::SYS_quotactl, libc::SYS_settimeofday, libc::SYS_clock_settime,
        libc::SYS_adjtimex, libc::SYS_sethostname, libc::SYS_setdomainname, libc::SYS_capset, libc::SYS_vhangup,
        libc::SYS_fanotify_init, libc::SYS_memfd_secret, libc::SYS_move_pages, libc::SYS_migrate_pages,
    ];

    #[test]
    fn both_filters_compile_and_fit_the_kernel() {
        for host_network in [false, true] {
            for program in programs(host_network).expect("they compile") {
                assert!(program.len() < 4096, "{} instructions", program.len());
            }
        }
    }

    #[test]
    fn what_is_closed_is_on_no_list() {
        for call in CLOSED {
            assert!(!ALLOWED.contains(call) && !LEGACY.contains(call) && !ABSENT.contains(call), "{call}");
        }
    }

    #[test]
    fn no_call_is_listed_twice() {
        let mut all: Vec<i64> = ALLOWED.iter().chain(LEGACY).chain(ABSENT).copied().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
