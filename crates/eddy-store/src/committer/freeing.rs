//! Whether a batch makes room: what is let through when the disk is nearly full, since that is how people make some.
//!
//! What was written before stays on the disk until the engine compacts it, so a row that is written anew makes no
//! room, however small it becomes: only rows, blobs and records that go do. Otherwise overwriting small objects would
//! eat what is kept for deletions.

use bytes::Bytes;

use super::hot::Hot;
use super::overlay::Overlay;
use crate::batch::{Batch, Change};
use crate::engine::EngineError;
use crate::keys::{self, Count, Stored};
use crate::limits::{FREEING_APPEND_BYTES_MAX, FREEING_APPENDS_BYTES_MAX, INLINE_BYTES_MAX};
use crate::log::{Head, Log};

/// Whether the batch takes more away than it puts into rows, and appends little beside. One that changes nothing
/// passes too, and the store's own.
pub(super) fn makes_room(batch: &Batch, overlay: &mut Overlay, hot: &mut Hot) -> Result<bool, EngineError> {
    let mut state = State { overlay, hot };
    let mut sums = Sums::default();
    for change in &batch.changes {
        match change {
            Change::Delete { key } => sums.goes(state.row_bytes(&key.to_bytes())?),
            // At least: anything smaller stands in a row.
            Change::Release { blob, .. } if state.is_last_hold(&keys::count(*blob))? => {
                sums.goes(INLINE_BYTES_MAX);
            }
            Change::Release { .. } => {}
            Change::Truncate { log, before } => sums.goes(state.hidden_records(log, *before)?),
            Change::Purge { .. } => return Ok(true),
            Change::Put { key, .. } | Change::Add { key, .. } | Change::Update { key, .. } => {
                sums.put += key.as_bytes().len() + change.value_bytes();
            }
            Change::Hold { .. } => sums.put += change.value_bytes(),
            Change::Append { .. } => sums.appended += change.value_bytes(),
        }
    }
    Ok(batch.changes.is_empty() || sums.make_room())
}

/// What a batch comes to, in bytes.
#[derive(Default)]
struct Sums {
    /// Rows and blobs that go.
    gone: usize,
    gone_bytes: usize,
    put: usize,
    appended: usize,
}

impl Sums {
    fn goes(&mut self, bytes: usize) {
        self.gone += usize::from(bytes > 0);
        self.gone_bytes += bytes;
    }

    fn make_room(&self) -> bool {
        let appended_max = FREEING_APPENDS_BYTES_MAX.max(self.gone * FREEING_APPEND_BYTES_MAX);
        self.gone > 0 && self.put <= self.gone_bytes && self.appended <= appended_max
    }
}

/// What there is before the batch.
struct State<'a> {
    overlay: &'a mut Overlay,
    hot: &'a mut Hot,
}

impl State<'_> {
    /// What a row takes, in bytes; an absent one nothing.
    fn row_bytes(&mut self, key: &Bytes) -> Result<usize, EngineError> {
        Ok(self.get(key)?.map_or(0, |stored| key.len() + stored.row.value.len()))
    }

    fn is_last_hold(&mut self, count: &Bytes) -> Result<bool, EngineError> {
        let Some(stored) = self.get(count)? else { return Ok(false) };
        Ok(minicbor::decode::<Count>(&stored.row.value)?.holds == 1)
    }

    /// The records that a truncation hides, each counted as a byte: as good a bound as any without reading them.
    fn hidden_records(&mut self, log: &Log, before: u64) -> Result<usize, EngineError> {
        let Some(stored) = self.get(&keys::head(log.key.as_bytes()))? else { return Ok(0) };
        let head: Head = minicbor::decode(&stored.row.value)?;
        let hidden = before.min(head.next).saturating_sub(head.truncated);
        Ok(usize::try_from(hidden).unwrap_or(usize::MAX / 2))
    }

    fn get(&mut self, key: &Bytes) -> Result<Option<Stored>, EngineError> {
        self.overlay.get(self.hot, key)
    }
}
