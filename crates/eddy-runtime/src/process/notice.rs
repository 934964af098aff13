//! The kernel's word that a guest's group has grown past its limit, so that nobody has to look meanwhile.
//!
//! It is about memory and `/tmp` together, which is all that the kernel counts: it says when to look, not what is
//! found. As long as it has said nothing the guest cannot be above its limit.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::supervisor::message::GroupFile;
use crate::sys;

/// What the kernel tells us with.
#[derive(Debug)]
pub(super) enum Notice {
    /// v1: a threshold, set when the group was made. Its eventfd is added to whenever the use passes it, either way.
    Threshold(AsyncFd<OwnedFd>),
    /// v2: above `memory.high` the kernel counts an event, takes back what it can and slows the guest down. So it is
    /// off while the guest is above it by right, with files in `/tmp`.
    High { high: OwnedFd, events: AsyncFd<OwnedFd>, set: AtomicBool },
}

/// Is the notice there to be waited for?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Armed {
    Already,
    /// What happened before that was not told: look once more.
    JustNow,
    Not,
}

impl Notice {
    /// Takes what the notice is made of out of a guest's files. `None` where the kernel has none.
    pub(super) fn of(files: &mut Vec<(GroupFile, OwnedFd)>) -> Option<Notice> {
        let mut take = |wanted: GroupFile| {
            let at = files.iter().position(|(file, _)| *file == wanted)?;
            Some(files.swap_remove(at).1)
        };
        if let Some(passed) = take(GroupFile::MemoryPassedV1) {
            return sys::watch_for(passed, Interest::READABLE).ok().map(Notice::Threshold);
        }
        let (high, events) = (take(GroupFile::MemoryHighV2)?, take(GroupFile::MemoryEventsV2)?);
        Notice::high(high, events).ok()
    }

    fn high(high: OwnedFd, events: OwnedFd) -> io::Result<Notice> {
        let notice = Notice::High {
            high,
            events: sys::watch_for(events, Interest::PRIORITY)?,
            set: AtomicBool::new(false),
        };
        notice.heard()?;
        Ok(notice)
    }

    /// Has the kernel speak up above `bytes`.
    pub(super) fn arm(&self, bytes: u64) -> Armed {
        match self {
            Notice::Threshold(_) => Armed::Already,
            Notice::High { set, .. } if set.load(Ordering::SeqCst) => Armed::Already,
            Notice::High { high, set, .. } => {
                if rustix::io::pwrite(high, bytes.to_string().as_bytes(), 0).is_err() {
                    return Armed::Not;
                }
                set.store(true, Ordering::SeqCst);
                Armed::JustNow
            }
        }
    }

    /// The guest is above by right: it is not to be slowed down.
    pub(super) fn disarm(&self) {
        match self {
            Notice::Threshold(_) => {}
            Notice::High { high, set, .. } => {
                if set.swap(false, Ordering::SeqCst) {
                    // If it cannot be lifted the guest is slow, which is better than unwatched.
                    let _ = rustix::io::pwrite(high, b"max", 0);
                }
            }
        }
    }

    /// Ends when the kernel has said something since this ended last. May end for nothing.
    pub(super) async fn wait(&self) {
        let (file, interest) = match self {
            Notice::Threshold(passed) => (passed, Interest::READABLE),
            Notice::High { events, .. } => (events, Interest::PRIORITY),
        };
        // Only the end of the reactor fails, and with it ends everything.
        let Ok(mut ready) = file.ready(interest).await else { return std::future::pending().await };
        ready.clear_ready();
        // Not in between: what is said from here on makes the file ready again.
        let _ = self.heard();
    }

    /// Takes note, so that the file is quiet until the kernel speaks again.
    fn heard(&self) -> io::Result<()> {
        let mut bytes = [0; 512];
        match self {
            Notice::Threshold(passed) => match rustix::io::read(passed, &mut bytes[..8]) {
                Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
                Err(error) => Err(error.into()),
            },
            // A file of a control group is quiet once it has been read from its beginning.
            Notice::High { events, .. } => {
                rustix::io::pread(events, &mut bytes, 0)?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use super::*;

    /// A group of v2, gone with this.
    struct Group(PathBuf);

    impl Group {
        fn new() -> Option<Group> {
            let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
            let unified = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
            let folder =
                Path::new(unified.split(' ').nth(4)?).join(format!("eddy-notice-{}", std::process::id()));
            fs::create_dir(&folder).ok()?;
            Some(Group(folder))
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            // Its last process may still be on its way out.
            while fs::remove_dir(&self.0).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy) {
                std::thread::yield_now();
            }
        }
    }

    async fn within<T>(millis: u64, what: impl Future<Output = T>) -> bool {
        let env: std::sync::Arc<dyn eddy_base::Env> = std::sync::Arc::new(eddy_base::System::default());
        eddy_base::env::timeout(&env, Duration::from_millis(millis), what).await.is_ok()
    }

    /// Few machines let a test have `memory.events`; all files of that kind speak up in the same way.
    #[tokio::test]
    async fn a_file_of_a_group_speaks_up_once_for_each_event() {
        let Some(group) = Group::new() else {
            eprintln!("skipped: no control groups of version 2 to make one in");
            return;
        };
        let high = tempfile::tempfile().expect("a file can be made");
        let events = File::open(group.0.join("cgroup.events")).expect("each group has it");
        let notice =
            Notice::high(high.try_clone().expect("it can").into(), events.into()).expect("it can be polled");
        assert!(!within(20, notice.wait()).await, "nothing has happened");
        for _ in 0..2 {
            let mut child = std::process::Command::new("cat")
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("there is a cat");
            let joined = fs::write(group.0.join("cgroup.procs"), child.id().to_string());
            let told = joined.is_ok() && within(10_000, notice.wait()).await;
            drop(child.stdin.take());
            child.wait().expect("it ends with its input");
            assert!(told, "the group is not empty any more: {joined:?}");
            assert!(within(10_000, notice.wait()).await, "the group is empty again");
            assert!(!within(20, notice.wait()).await, "and nothing else");
        }
    }

    #[tokio::test]
    async fn the_mark_of_v2_is_set_once_and_lifted_by_right() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("memory.high");
        fs::write(&path, "max").expect("it can be written");
        let high: OwnedFd = OpenOptions::new().write(true).open(&path).expect("it is there").into();
        let said = || fs::read_to_string(&path).expect("it is there");
        let events = fs::File::open("/proc/self/mounts").expect("it can be polled, as those of groups can");
        let notice = Notice::high(high, events.into()).expect("it can be polled");
        assert_eq!(notice.arm(128), Armed::JustNow);
        assert_eq!((notice.arm(128), said().as_str()), (Armed::Already, "128"));
        notice.disarm();
        assert_eq!(said(), "max");
        assert_eq!(notice.arm(256), Armed::JustNow);
    }
}
