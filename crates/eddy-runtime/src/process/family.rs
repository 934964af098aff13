//! The processes of a jail, as the host's `/proc` shows them.

use std::fs;

/// Whether a program goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    GoesOn,
    /// It is on its way out, or gone.
    Ending,
    /// This `/proc` does not show it.
    Unknown,
}

/// The kernel's flag of a process that is on its way out. It is set before the process's files are closed.
const EXITING: u64 = 0x4;

/// What becomes of the program of a jail: the oldest child of its first process.
pub(super) fn life(first: i32) -> Life {
    let children = match fs::read_to_string(children_file(first)) {
        Ok(children) => children,
        // Gone with all its children, or hidden, or of a kernel that has no such file.
        Err(_) => return if is_gone(first) { Life::Ending } else { Life::Unknown },
    };
    let Some(program) = children.split_whitespace().next() else { return Life::Ending };
    match fs::read_to_string(format!("/proc/{program}/stat")) {
        Ok(stat) => match flags(&stat) {
            Some(flags) if flags & EXITING == 0 => Life::GoesOn,
            Some(_) => Life::Ending,
            None => Life::Unknown,
        },
        Err(_) => Life::Ending,
    }
}

/// Signal 0 asks whether a process is there, and is asked of hidden ones too.
fn is_gone(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return true };
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

/// The ninth field of `/proc/PID/stat`. The second is a name in parentheses, which may hold anything.
fn flags(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(6)?.parse().ok()
}

fn children_file(pid: i32) -> String {
    format!("/proc/{pid}/task/{pid}/children")
}

/// The pages of all processes below `first`, shared ones by their share.
pub(super) fn bytes(first: i32) -> u64 {
    let mut total = 0;
    let mut left = children(first);
    // The limit on processes bounds this; the number here only guards against a family that grows as we look.
    for _ in 0..4096 {
        let Some(pid) = left.pop() else { break };
        total += proportional_bytes(pid);
        left.extend(children(pid));
    }
    total
}

fn children(pid: i32) -> Vec<i32> {
    let listed = fs::read_to_string(children_file(pid)).unwrap_or_default();
    listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn proportional_bytes(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kilobytes: u64 = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0);
    kilobytes * 1024
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn pages_are_added_up() {
        let own = i32::try_from(std::process::id()).expect("process ids fit");
        assert!(proportional_bytes(own) > 100 * 1024);
    }

    #[test]
    fn a_program_that_has_ended_is_told_from_one_that_goes_on() {
        // `sleep` is the jail's first process here, and `cat` its program, which nobody buries.
        let mut first = Command::new("sh")
            .args(["-c", "exec 3<&0; cat <&3 & exec 3<&-; exec sleep 100"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let pid = i32::try_from(first.id()).expect("process ids fit");
        let mut input = first.stdin.take().expect("it is piped");
        let mut output = first.stdout.take().expect("it is piped");
        input.write_all(b"x").expect("it reads");
        output.read_exact(&mut [0]).expect("it answers");
        let alive = life(pid);
        drop(input);
        let mut dead = life(pid);
        for _ in 0..1_000_000 {
            if dead == Life::Ending {
                break;
            }
            std::thread::yield_now();
            dead = life(pid);
        }
        first.kill().expect("it is ours");
        first.wait().expect("it ends");
        assert_eq!((alive, dead, life(pid)), (Life::GoesOn, Life::Ending, Life::Ending));
    }

    #[test]
    fn flags_stand_behind_any_name() {
        assert_eq!(flags("7 (a) R (b) S 1 7 7 0 -1 4194564 1"), Some(4_194_564));
        assert_eq!(flags("nonsense"), None);
    }
}
