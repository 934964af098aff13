//! How much memory and processor time a guest uses, and whether it is too much.
//!
//! The kernel counts a guest's memory together with its `/tmp`, and its limit holds both. The limit on memory alone
//! is decided here, by a look at whoever works. While both together are below the limit the kernel is left to say when
//! to look. Above it by right, and where no control group counts and the pages of each process are added up, the next
//! look is due when the guest could be at its limit, for no machine fills memory faster than
//! [`MEMORY_GROWTH_BYTES_PER_SECOND`].

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eddy_base::Env;
use rustix::fs::fstatvfs;

use super::family;
use super::notice::{Armed, Notice};
use crate::Usage;
use crate::limits::{MEMORY_GROWTH_BYTES_PER_SECOND, MEMORY_LOOK, MEMORY_LOOK_BY_PAGES, MEMORY_LOOK_MAX};
use crate::supervisor::message::GroupFile;

/// Counts for one guest.
#[derive(Debug)]
pub(crate) struct Meter {
    files: Vec<(GroupFile, OwnedFd)>,
    notice: Option<Notice>,
    /// It was below its limit when it was looked at last, and the kernel says so when it no longer is.
    below: AtomicBool,
    /// The guest's `/tmp`, if it is its own.
    temporary: Option<OwnedFd>,
    /// The jail's first process, as the host knows it.
    pid: i32,
    memory_bytes_max: u64,
    run: Mutex<Run>,
}

/// One invocation.
#[derive(Debug, Default, Clone, Copy)]
struct Run {
    temporary_at_start: u64,
    cpu_at_start: Option<Duration>,
    sampled_peak: u64,
}

/// One look at a guest, in bytes.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Memory and `/tmp`, as the kernel counts.
    both: u64,
    /// Memory alone.
    memory: u64,
    /// Without what the kernel would take back before anybody had to die.
    needed: u64,
}

impl Meter {
    pub(crate) fn new(
        mut files: Vec<(GroupFile, OwnedFd)>,
        temporary: Option<OwnedFd>,
        pid: i32,
        memory_bytes_max: u64,
    ) -> Meter {
        let notice = Notice::of(&mut files);
        Meter {
            files,
            notice,
            below: AtomicBool::new(false),
            temporary,
            pid,
            memory_bytes_max,
            run: Mutex::default(),
        }
    }

    /// Ends when the guest uses more memory than it may.
    pub(crate) async fn over(&self, env: &dyn Env) {
        loop {
            if let Some(notice) = self.notice.as_ref().filter(|_| self.below.load(Ordering::SeqCst)) {
                notice.wait().await;
            }
            self.below.store(false, Ordering::SeqCst);
            let look = self.look();
            let Some(left) = self.memory_bytes_max.checked_sub(look.needed) else { return };
            match &self.notice {
                Some(notice) if look.both <= self.memory_bytes_max => match notice.arm(self.memory_bytes_max)
                {
                    Armed::Already => self.below.store(true, Ordering::SeqCst),
                    Armed::JustNow => {}
                    Armed::Not => env.sleep(self.pause(left)).await,
                },
                Some(notice) => {
                    notice.disarm();
                    env.sleep(self.pause(left)).await;
                }
                None => env.sleep(self.pause(left)).await,
            }
        }
    }

    /// How long the guest needs at least to fill what is left of its memory.
    fn pause(&self, left: u64) -> Duration {
        let least = if self.counted() { MEMORY_LOOK } else { MEMORY_LOOK_BY_PAGES };
        let micros = left.saturating_mul(1_000_000) / MEMORY_GROWTH_BYTES_PER_SECOND;
        Duration::from_micros(micros).clamp(least, MEMORY_LOOK_MAX)
    }

    /// The jail's first process, as the host knows it.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// An invocation begins.
    pub(crate) fn begin(&self) {
        if let Some(peak) = self.file(GroupFile::MemoryPeak) {
            // Before Linux 6.12 the peak of v2 cannot be reset; then it is the guest's so far.
            let _ = rustix::io::pwrite(peak, b"0", 0);
        }
        let run =
            Run { temporary_at_start: self.temporary_bytes(), cpu_at_start: self.cpu(), sampled_peak: 0 };
        *self.run() = run;
    }

    /// What the guest uses now.
    fn look(&self) -> Look {
        let temporary = self.temporary_bytes();
        let (both, memory) = match self.file(GroupFile::MemoryNow).and_then(number) {
            Some(both) => (both, both.saturating_sub(temporary)),
            None => {
                let memory = family::bytes(self.pid);
                (memory.saturating_add(temporary), memory)
            }
        };
        let mut run = self.run();
        run.sampled_peak = run.sampled_peak.max(memory);
        drop(run);
        // Asked only where it makes a difference: it is a long file.
        let given_back = if memory > self.memory_bytes_max { self.reclaimable_bytes() } else { 0 };
        Look { both, memory, needed: memory.saturating_sub(given_back) }
    }

    /// What was used since [`Meter::begin`].
    pub(crate) fn usage(&self) -> Usage {
        let run = *self.run();
        let cpu = run.cpu_at_start.and_then(|start| Some(self.cpu()?.saturating_sub(start)));
        let sampled = run.sampled_peak.max(self.look().memory).min(self.memory_bytes_max);
        let counted = self.file(GroupFile::MemoryPeak).and_then(number);
        // The kernel's peak is of memory and `/tmp` together: exact only while the latter stood still.
        let temporary = self.temporary_bytes();
        match counted {
            Some(peak) if temporary == run.temporary_at_start => Usage {
                memory_peak_bytes: peak.saturating_sub(temporary).min(self.memory_bytes_max),
                memory_exact: true,
                cpu,
            },
            // As if all files had been there at the peak: so much it was at least.
            Some(peak) => {
                let least = peak.saturating_sub(temporary.max(run.temporary_at_start));
                let most = self.memory_bytes_max;
                Usage { memory_peak_bytes: sampled.max(least.min(most)), memory_exact: false, cpu }
            }
            None => Usage { memory_peak_bytes: sampled, memory_exact: false, cpu },
        }
    }

    fn counted(&self) -> bool {
        self.file(GroupFile::MemoryNow).is_some()
    }

    /// Pages of files that the kernel would give back first: they are counted, and are no reason to kill.
    fn reclaimable_bytes(&self) -> u64 {
        let (stat, cached, shared) =
            match (self.file(GroupFile::MemoryStatV1), self.file(GroupFile::MemoryStatV2)) {
                (Some(stat), _) => (stat, "cache ", "shmem "),
                (None, Some(stat)) => (stat, "file ", "shmem "),
                (None, None) => return 0,
            };
        let text = text(stat).unwrap_or_default();
        let field = |name: &str| -> u64 {
            text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
        };
        field(cached).saturating_sub(field(shared))
    }

    fn temporary_bytes(&self) -> u64 {
        let Some(temporary) = &self.temporary else { return 0 };
        fstatvfs(temporary).map_or(0, |stat| stat.f_blocks.saturating_sub(stat.f_bfree) * stat.f_frsize)
    }

    fn cpu(&self) -> Option<Duration> {
        if let Some(file) = self.file(GroupFile::CpuV1) {
            return number(file).map(Duration::from_nanos);
        }
        let text = text(self.file(GroupFile::CpuV2)?)?;
        let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())?;
        Some(Duration::from_micros(micros))
    }

    fn file(&self, wanted: GroupFile) -> Option<&OwnedFd> {
        self.files.iter().find(|(file, _)| *file == wanted).map(|(_, descriptor)| descriptor)
    }

    fn run(&self) -> std::sync::MutexGuard<'_, Run> {
        self.run.lock().expect("nothing panics while it is held")
    }
}

fn text(file: &OwnedFd) -> Option<String> {
    let mut bytes = [0; 8192];
    let count = rustix::io::pread(file.as_fd(), &mut bytes, 0).ok()?;
    Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

fn number(file: &OwnedFd) -> Option<u64> {
    let mut bytes = [0; 32];
    let count = rustix::io::pread(file.as_fd(), &mut bytes, 0).ok()?;
    std::str::from_utf8(&bytes[..count]).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_groups_is_measured_by_its_pages() {
        let own = i32::try_from(std::process::id()).expect("process ids fit");
        let meter = Meter::new(Vec::new(), None, own, 1 << 30);
        meter.begin();
        assert!(meter.look().needed < 1 << 30);
        assert!(!meter.usage().memory_exact);
    }

    #[test]
    fn the_next_look_is_due_when_the_rest_could_be_full() {
        let meter = Meter::new(Vec::new(), None, 1, 1 << 30);
        let table = [
            (0, MEMORY_LOOK_BY_PAGES),
            (64 << 20, MEMORY_LOOK_BY_PAGES),
            (1 << 30, Duration::from_millis(250)),
            (2 << 30, Duration::from_millis(500)),
            (10 << 30, MEMORY_LOOK_MAX),
            (u64::MAX, MEMORY_LOOK_MAX),
        ];
        for (left, expected) in table {
            assert_eq!(meter.pause(left), expected, "{left}");
        }
    }
}
