//! The server's end of the socket to the supervisor.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use eddy_base::{Env, Task};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{MemfdFlags, SealFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

use crate::Error;
use crate::inside::plan::Shape;
use crate::supervisor::ARGUMENT;
use crate::supervisor::message::{Ask, Configure, GroupFile, Limits, Tell};
use crate::sys::{self, packet};
use crate::walls::Walls;

/// A supervisor and the conversation with it.
pub(crate) struct Link {
    socket: Arc<AsyncFd<OwnedFd>>,
    waiting: Arc<Mutex<Waiting>>,
    child: Mutex<Option<Child>>,
    _reader: Task,
}

/// Whoever waits for the supervisor's word.
#[derive(Default)]
struct Waiting {
    /// Set once the supervisor is gone.
    gone: Option<String>,
    starts: HashMap<u64, oneshot::Sender<Result<Started, Error>>>,
    ends: HashMap<u64, watch::Sender<Option<End>>>,
}

/// The first process of a jail is there.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) pid: i32,
    pub(crate) files: Vec<(GroupFile, OwnedFd)>,
}

/// Nothing of a jail is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) out_of_memory: bool,
    /// Did it end because the supervisor did?
    pub(crate) supervisor_gone: bool,
}

/// The first word of a new supervisor.
pub(crate) struct Ground {
    pub(crate) walls: Walls,
    pub(crate) shape: Shape,
    pub(crate) swept: usize,
}

impl Link {
    /// Starts a supervisor and asks it which walls there are.
    ///
    /// # Errors
    /// [`Error::Supervisor`] when it cannot be executed or ends before it has answered.
    pub(crate) async fn start(
        env: &Arc<dyn Env>,
        binary: Option<&Path>,
        configure: Configure,
    ) -> Result<(Link, Ground), Error> {
        let gone =
            |doing: &str, error: &dyn std::fmt::Display| Error::Supervisor(format!("{doing}: {error}"));
        let (ours, theirs) = packet::pair().map_err(|error| gone("make a socket", &error))?;
        let child = execute(binary, theirs).map_err(|error| gone("start it", &error))?;
        rustix::io::ioctl_fionbio(&ours, true).map_err(|error| gone("make a socket", &error))?;
        let socket = sys::watch(ours).map_err(|error| gone("make a socket", &error))?;
        send(&socket, &Ask::Configure(configure), &[]).map_err(|error| gone("configure it", &error))?;
        let first = receive(&socket).await.map_err(|error| gone("hear from it", &error))?;
        let Some((Tell::Configured { walls, shape, swept }, _)) = first else {
            return Err(Error::Supervisor("it ended before it had looked at the machine".to_owned()));
        };
        let socket = Arc::new(socket);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let reader = env.spawn("supervisor", Box::pin(listen(socket.clone(), waiting.clone())));
        let link = Link { socket, waiting, child: Mutex::new(Some(child)), _reader: reader };
        Ok((link, Ground { walls, shape, swept }))
    }

    /// Has the supervisor ended?
    pub(crate) fn is_gone(&self) -> bool {
        self.waiting().gone.is_some()
    }

    /// Asks for a jail. Its end can be watched from the moment it was asked for.
    ///
    /// # Errors
    /// [`Error::Jail`] with the step that the kernel refused, [`Error::Supervisor`] when it is gone.
    pub(crate) async fn jail(
        &self,
        id: u64,
        limits: Limits,
        control: OwnedFd,
    ) -> Result<(Started, watch::Receiver<Option<End>>), Error> {
        let (answer, answered) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        {
            let mut waiting = self.waiting();
            if let Some(reason) = &waiting.gone {
                return Err(Error::Supervisor(reason.clone()));
            }
            waiting.starts.insert(id, answer);
            waiting.ends.insert(id, end);
        }
        let asked = send_waiting(&self.socket, &Ask::Start { id, limits }, &[control.as_fd()]).await;
        drop(control);
        if let Err(error) = asked {
            self.waiting().forget(id);
            return Err(Error::Supervisor(error.to_string()));
        }
        match answered.await {
            Ok(Ok(started)) => Ok((started, ended)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Supervisor("it ended while a jail was made".to_owned())),
        }
    }

    /// Asks for a jail's death. Never waits for long; a supervisor that is gone has killed it already.
    pub(crate) fn kill(&self, id: u64) {
        for _ in 0..100 {
            match send(&self.socket, &Ask::Kill { id }, &[]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let millisecond = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
                    let mut room = [PollFd::new(self.socket.get_ref(), PollFlags::OUT)];
                    let _ = rustix::event::poll(&mut room, Some(&millisecond));
                }
                Ok(()) | Err(_) => return,
            }
        }
    }

    /// Ends the conversation, and with it the supervisor and all jails. Gives its process, to be waited for.
    pub(crate) fn hang_up(&self) -> Option<Child> {
        let _ = rustix::net::shutdown(self.socket.get_ref(), rustix::net::Shutdown::Both);
        self.child.lock().expect("nothing panics while it is held").take()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(mut child) = self.hang_up() {
            // It ends by itself; somebody has to take its exit code, and a drop must not wait for it.
            std::thread::spawn(move || child.wait());
        }
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().expect("nothing panics while it is held")
}

impl Waiting {
    fn forget(&mut self, id: u64) {
        self.starts.remove(&id);
        self.ends.remove(&id);
    }

    fn told(&mut self, tell: Tell, descriptors: Vec<OwnedFd>) {
        match tell {
            Tell::Started { id, pid, files } => {
                let files = files.into_iter().zip(descriptors).collect();
                if let Some(answer) = self.starts.remove(&id) {
                    // Whoever asked may have given up; then nobody holds the jail's control socket, and it ends.
                    let _ = answer.send(Ok(Started { pid, files }));
                }
            }
            Tell::Refused { id, step, reason } => {
                if let Some(answer) = self.starts.remove(&id) {
                    let _ = answer.send(Err(Error::Jail { step, reason }));
                }
                self.ends.remove(&id);
            }
            Tell::Ended { id, out_of_memory } => {
                if let Some(end) = self.ends.remove(&id) {
                    let _ = end.send(Some(End { out_of_memory, supervisor_gone: false }));
                }
            }
            Tell::Configured { .. } => {}
        }
    }

    fn end(&mut self, reason: &str) {
        self.gone = Some(reason.to_owned());
        for (_, answer) in self.starts.drain() {
            let _ = answer.send(Err(Error::Supervisor(reason.to_owned())));
        }
        for (_, end) in self.ends.drain() {
            let _ = end.send(Some(End { out_of_memory: false, supervisor_gone: true }));
        }
    }
}

/// Hears what the supervisor says until it is gone.
async fn listen(socket: Arc<AsyncFd<OwnedFd>>, waiting: Arc<Mutex<Waiting>>) {
    let reason = loop {
        match receive(&socket).await {
            Ok(Some((tell, descriptors))) => lock(&waiting).told(tell, descriptors),
            Ok(None) => break "it ended".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    lock(&waiting).end(&reason);
}

/// Receives one message, waiting for it.
pub(crate) async fn receive<M: serde::de::DeserializeOwned>(
    socket: &AsyncFd<OwnedFd>,
) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    loop {
        let mut ready = socket.readable().await?;
        if let Ok(outcome) = ready.try_io(|socket| packet::receive(socket.get_ref())) {
            return outcome;
        }
    }
}

pub(crate) fn send<M: serde::Serialize>(
    socket: &AsyncFd<OwnedFd>,
    message: &M,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    packet::send(socket.get_ref(), message, descriptors)
}

async fn send_waiting(
    socket: &AsyncFd<OwnedFd>,
    ask: &Ask,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    loop {
        let mut ready = socket.writable().await?;
        if let Ok(outcome) = ready.try_io(|socket| packet::send(socket.get_ref(), ask, descriptors)) {
            return outcome;
        }
    }
}

/// Executes the supervisor with the socket as its standard input and nothing else of ours: no variable, no
/// descriptor.
fn execute(binary: Option<&Path>, socket: OwnedFd) -> io::Result<Child> {
    let sealed = sealed_copy(binary.unwrap_or(Path::new("/proc/self/exe")))?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", sealed.as_raw_fd()));
    Command::new(path)
        .arg0("eddy")
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .spawn()
}

/// A copy of the binary in memory that nobody can change any more, not even who could write the file: a guest that
/// found a way to the program that runs it would gain nothing.
fn sealed_copy(binary: &Path) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag; later ones may insist on it.
    let memory = rustix::fs::memfd_create("eddy", flags | MemfdFlags::EXEC)
        .or_else(|_| rustix::fs::memfd_create("eddy", flags))?;
    let mut copy = File::from(memory);
    io::copy(&mut File::open(binary)?, &mut copy)?;
    copy.rewind()?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&copy, seals)?;
    Ok(copy.into())
}
