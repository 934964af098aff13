//! The limit of every durable write: a group of writers whose bytes are appended to one file, one fdatasync a
//! group, everyone woken. No index, no network: what the disk and the kernel allow.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Writes per second with so many writers, each waiting for its write to be on disk.
pub fn rate(folder: &Path, writers: u64, bytes: usize, span: Duration) -> Result<f64, String> {
    let mut file = File::create(folder.join("floor")).map_err(|why| why.to_string())?;
    let shared = Shared::default();
    let over = Instant::now() + span;
    let written = std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| shared.write_until(over));
        }
        commit_until_idle(&shared, &mut file, &vec![7; bytes], writers)
    });
    written.map(|written| super::figures::rate(written, span)).map_err(|why| why.to_string())
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    asked: Condvar,
    synced: Condvar,
}

#[derive(Default)]
struct State {
    /// Writers in the group that forms.
    waiting: u64,
    /// Number of the group that forms.
    forming: u64,
    /// Groups below this number are on disk.
    on_disk: u64,
    /// Writers that have stopped.
    stopped: u64,
}

impl Shared {
    fn write_until(&self, over: Instant) {
        while Instant::now() < over {
            let mut state = self.state.lock().expect("no thread panics");
            let group = state.forming;
            state.waiting += 1;
            self.asked.notify_one();
            while state.on_disk <= group {
                state = self.synced.wait(state).expect("no thread panics");
            }
        }
        self.state.lock().expect("no thread panics").stopped += 1;
        self.asked.notify_one();
    }
}

/// The committing thread: takes all who wait, writes, syncs, wakes them.
fn commit_until_idle(shared: &Shared, file: &mut File, bytes: &[u8], writers: u64) -> std::io::Result<u64> {
    let mut written = 0;
    loop {
        let mut state = shared.state.lock().expect("no thread panics");
        while state.waiting == 0 {
            if state.stopped == writers {
                return Ok(written);
            }
            state = shared.asked.wait(state).expect("no thread panics");
        }
        let group = std::mem::take(&mut state.waiting);
        state.forming += 1;
        drop(state);
        for _ in 0..group {
            file.write_all(bytes)?;
        }
        rustix::fs::fdatasync(file.as_fd())?;
        written += group;
        shared.state.lock().expect("no thread panics").on_disk += 1;
        shared.synced.notify_all();
    }
}
