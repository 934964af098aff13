//! The server is killed, the supervisor is killed, both are killed: what is left?

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eddy_runtime::{Error, Failure, Jail as _};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::kit::{Kit, LONG, groups};

/// A guest that has a child of its own, and both stay busy.
const BUSY: &str = "import os, time\nif os.fork() == 0:\n    while True: time.sleep(0.01)\n\
                    def handler(event, context):\n    return event\n";

/// A server in a process of its own.
struct Server {
    child: Child,
    instance: String,
}

impl Server {
    fn start(state: &Path, instance: &str, code: &Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_eddy-test-supervisor"))
            .arg(state)
            .arg(instance)
            .arg(code)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it speaks");
        assert_eq!(line, "ready\n");
        Server { child, instance: instance.to_owned() }
    }

    /// All processes in its jails, as the host knows them.
    fn guests(&self) -> Vec<Pid> {
        let mut pids: Vec<Pid> = groups(&self.instance)
            .iter()
            .flat_map(|base| std::fs::read_dir(base).into_iter().flatten().flatten())
            .filter_map(|group| std::fs::read_to_string(group.path().join("cgroup.procs")).ok())
            .flat_map(|text| {
                text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect::<Vec<_>>()
            })
            .collect();
        pids.sort_by_key(|pid| pid.as_raw_nonzero());
        pids.dedup();
        pids
    }

    fn supervisor(&self) -> Pid {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let text = std::fs::read_to_string(path).expect("the kernel lists children");
        let pid = text.split_whitespace().next().and_then(|pid| Pid::from_raw(pid.parse().ok()?));
        pid.expect("the server has a supervisor")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until all have ended. Says how long it took.
#[expect(clippy::disallowed_methods, reason = "what is measured here is the kernel's time")]
fn deaths(pids: &[Pid], within: Duration) -> Duration {
    let started = Instant::now();
    for pid in pids {
        let Ok(process) = rustix::process::pidfd_open(*pid, PidfdFlags::empty()) else { continue };
        let left = within.saturating_sub(started.elapsed());
        let limit = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let ended = rustix::event::poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit));
        assert_eq!(ended, Ok(1), "{pid:?} lives on");
    }
    started.elapsed()
}

fn mounts() -> usize {
    std::fs::read_to_string("/proc/self/mountinfo").expect("the kernel lists mounts").lines().count()
}

struct Ground {
    folder: tempfile::TempDir,
    code: PathBuf,
    instance: String,
}

fn ground(name: &str) -> Ground {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let code = folder.path().join("code");
    std::fs::create_dir(&code).expect("a folder can be made");
    std::fs::write(code.join("app.py"), BUSY).expect("a file can be written");
    Ground { code, instance: format!("{name}-{}", std::process::id()), folder }
}

#[test]
fn guests_do_not_outlive_a_killed_server() {
    let Ground { folder, code, instance } = ground("killed");
    let before = mounts();
    let mut server = Server::start(&folder.path().join("state"), &instance, &code);
    let guests = server.guests();
    if guests.is_empty() {
        eprintln!("this machine has no control groups to list guests by; what is asserted is less");
    } else {
        assert!(guests.len() >= 3, "init, handler and its child: {guests:?}");
    }
    let supervisor = server.supervisor();
    server.child.kill().expect("it can be killed");
    let took = deaths(&[guests, vec![supervisor]].concat(), Duration::from_secs(1));
    eprintln!("all gone after {took:?}");
    assert_eq!(groups(&instance), Vec::<PathBuf>::new());
    assert_eq!(mounts(), before);
}

#[tokio::test]
async fn what_is_left_when_both_are_killed_the_next_start_removes() {
    let Ground { folder, code, instance } = ground("both");
    let state = folder.path().join("state");
    let mut server = Server::start(&state, &instance, &code);
    let (guests, supervisor) = (server.guests(), server.supervisor());
    rustix::process::kill_process(supervisor, Signal::KILL).expect("it can be killed");
    server.child.kill().expect("it can be killed");
    deaths(&[guests.clone(), vec![supervisor]].concat(), Duration::from_secs(1));
    if !guests.is_empty() {
        assert!(!groups(&instance).is_empty(), "then this test shows nothing");
    }
    drop(server);
    let next = Server::start(&state, &instance, &code);
    let left: Vec<_> = groups(&instance)
        .iter()
        .flat_map(|base| std::fs::read_dir(base).into_iter().flatten().flatten())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name())
        .collect();
    let mut own = left.clone();
    own.sort();
    own.dedup();
    assert!(own.len() <= 1, "only the new guest's groups are there: {left:?}");
    let supervisor = next.supervisor();
    drop(next);
    deaths(&[supervisor], Duration::from_secs(2));
    assert_eq!(groups(&instance), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_killed_supervisor_is_replaced() {
    let kit = Kit::new().await;
    let source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'\n";
    let guest = kit.python(source, kit.spec()).await;
    guest.ready(LONG).await.expect("it is ready");
    let supervisor = supervisor_of(&kit);
    let event = kit.event("30");
    let killer = async {
        kit.env.sleep(Duration::from_millis(50)).await;
        rustix::process::kill_process(supervisor, Signal::KILL).expect("it can be killed");
    };
    let (invoked, ()) = tokio::join!(guest.invoke(event, LONG), killer);
    assert!(
        matches!(invoked.result, Err(Failure::Host(Error::Supervisor(_)) | Failure::Exit { .. })),
        "{:?}",
        invoked.result
    );
    let guest = kit.python(source, kit.spec()).await;
    assert_eq!(kit.reply(&guest, "0").await, "slept");
    assert!(kit.jail.probe().await.is_ok());
    drop(guest);
    kit.close().await;
}

/// The child of this process that has the kit's folder as its business: found by its groups' guests' ancestors.
fn supervisor_of(kit: &Kit) -> Pid {
    let guest = groups(&kit.instance)
        .iter()
        .flat_map(|base| std::fs::read_dir(base).into_iter().flatten().flatten())
        .filter_map(|group| std::fs::read_to_string(group.path().join("cgroup.procs")).ok())
        .find_map(|text| text.lines().next()?.parse::<i32>().ok())
        .expect("a guest is in a group");
    let mut pid = guest;
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        let fields: Vec<&str> =
            stat.rsplit(')').next().expect("stat has a name").split_whitespace().collect();
        let parent: i32 = fields[1].parse().expect("a number");
        if parent == std::process::id() as i32 {
            return Pid::from_raw(pid).expect("positive");
        }
        pid = parent;
    }
}
