//! How far the store had come, kept outside the engine.
//!
//! After each group its number and hash go to the file `mark`, so that an engine that comes back with less than it
//! acknowledged is noticed at the next open (R3). The file is written after the engine's sync and synced itself
//! once a second: it is never ahead of an honest engine, and a power cut can hide at most the last second's loss.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use crc_fast::{CrcAlgorithm, checksum};

use crate::durable::Pos;
use crate::engine::Memory;
use crate::keys::Chain;
use crate::limits::MARK_SYNC_EVERY;

pub(crate) enum Mark {
    File {
        file: File,
        /// Which slot is written next.
        turn: u64,
        /// When what was written last is to be synced, of the monotonic clock.
        due: Option<Duration>,
    },
    Memory(Memory),
}

/// What the mark says about the engine's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    Agrees,
    /// Why it does not.
    Differs(String),
}

/// `EDM1 | position (8) | hash (8) | start (4) | CRC-64/NVME of the 24 bytes before (8)`, little-endian.
const SLOT_BYTES: usize = 32;

/// Two slots, written in turn and a sector apart, so that a torn write leaves the other.
const SLOT_DISTANCE: u64 = 4096;
const SLOTS: u64 = 2;

const MAGIC: [u8; 4] = *b"EDM1";

impl Mark {
    pub(crate) fn open(path: &Path) -> io::Result<Mark> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let newest =
            (0..SLOTS).filter_map(|turn| Some((read_slot(&file, turn).ok()??, turn))).max_by_key(newer);
        let turn = newest.map_or(0, |(_, turn)| turn + 1);
        Ok(Mark::File { file, turn, due: None })
    }

    /// The last state that was marked; none when nothing readable is there.
    pub(crate) fn read(&self) -> io::Result<Option<Chain>> {
        match self {
            Mark::File { file, .. } => {
                let slots = [(read_slot(file, 0)?, 0), (read_slot(file, 1)?, 1)];
                let readable = slots.into_iter().filter_map(|(chain, turn)| Some((chain?, turn)));
                Ok(readable.max_by_key(newer).map(|(chain, _)| chain))
            }
            Mark::Memory(memory) => Ok(memory.mark()),
        }
    }

    /// Holds the engine's state against the mark.
    pub(crate) fn check(&self, chain: Chain) -> io::Result<Finding> {
        let finding = match self.read()? {
            None if chain.is_unused() => Finding::Agrees,
            None => Finding::Differs("the record of its last commit (the file `mark`) is missing".into()),
            Some(mark) if mark.pos > chain.pos => Finding::Differs(format!(
                "commits {} to {} were acknowledged and are missing",
                chain.pos.0 + 1,
                mark.pos.0
            )),
            Some(mark) if mark.pos == chain.pos && mark.hash != chain.hash => {
                Finding::Differs(format!("commit {} is not the one that was acknowledged", chain.pos.0))
            }
            Some(_) => Finding::Agrees,
        };
        Ok(finding)
    }

    /// Marks a state. A failure is told, not fatal: the rows are safe, only their loss might go unnoticed.
    pub(crate) fn set(&mut self, chain: Chain, now: Duration) {
        match self {
            Mark::File { file, turn, due } => {
                let offset = (*turn % SLOTS) * SLOT_DISTANCE;
                *turn += 1;
                if let Err(error) = file.write_all_at(&slot(chain), offset) {
                    tracing::warn!(error = %error, "the last commit could not be marked");
                }
                due.get_or_insert(now + MARK_SYNC_EVERY);
            }
            Mark::Memory(memory) => memory.set_mark(chain),
        }
    }

    /// When [`Mark::sync`] has something to do.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self {
            Mark::File { due, .. } => *due,
            Mark::Memory(_) => None,
        }
    }

    /// Syncs what was marked, if its time has come.
    pub(crate) fn sync(&mut self, now: Duration) {
        if let Mark::File { file, due, .. } = self
            && due.is_some_and(|due| due <= now)
        {
            *due = None;
            if let Err(error) = file.sync_data() {
                tracing::warn!(error = %error, "the mark could not be synced");
            }
        }
    }
}

fn slot(chain: Chain) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..12].copy_from_slice(&chain.pos.0.to_le_bytes());
    bytes[12..20].copy_from_slice(&chain.hash.to_le_bytes());
    bytes[20..24].copy_from_slice(&chain.start.to_le_bytes());
    let sum = checksum(CrcAlgorithm::Crc64Nvme, &bytes[..24]);
    bytes[24..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn newer((chain, _): &(Chain, u64)) -> (Pos, u32) {
    (chain.pos, chain.start)
}

fn read_slot(file: &File, slot: u64) -> io::Result<Option<Chain>> {
    let mut bytes = [0; SLOT_BYTES];
    match file.read_exact_at(&mut bytes, slot * SLOT_DISTANCE) {
        Ok(()) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8; SLOT_BYTES]) -> Option<Chain> {
    let number = |at: usize| bytes[at..].first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    let start = u32::from_le_bytes(*bytes[20..].first_chunk::<4>()?);
    let chain = Chain { pos: Pos(number(4)?), hash: number(12)?, start };
    (slot(chain) == *bytes).then_some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(pos: u64) -> Chain {
        Chain { pos: Pos(pos), hash: pos * 7, start: 3 }
    }

    #[test]
    fn the_newest_whole_slot_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = Mark::open(&folder.path().join("mark")).unwrap();
        assert_eq!(mark.read().unwrap(), None);
        for pos in 1..=4 {
            mark.set(chain(pos), Duration::ZERO);
            assert_eq!(mark.read().unwrap(), Some(chain(pos)));
        }
        let Mark::File { file, .. } = &mark else { unreachable!("a file was opened") };
        file.write_all_at(&[0xff], SLOT_DISTANCE + 12).unwrap();
        assert_eq!(mark.read().unwrap(), Some(chain(3)), "a torn slot leaves the other");
    }

    #[test]
    fn what_is_behind_or_different_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = Mark::open(&folder.path().join("mark")).unwrap();
        assert_eq!(mark.check(Chain::default()).unwrap(), Finding::Agrees);
        assert!(matches!(mark.check(chain(1)).unwrap(), Finding::Differs(what) if what.contains("missing")));
        mark.set(chain(8), Duration::ZERO);
        assert_eq!(mark.check(chain(8)).unwrap(), Finding::Agrees);
        assert_eq!(mark.check(chain(9)).unwrap(), Finding::Agrees, "the mark may be old");
        let other = Chain { hash: 1, ..chain(8) };
        for (state, text) in [(chain(5), "commits 6 to 8"), (other, "commit 8 is not")] {
            let finding = mark.check(state).unwrap();
            assert!(matches!(&finding, Finding::Differs(what) if what.contains(text)), "{finding:?}");
        }
    }
}
