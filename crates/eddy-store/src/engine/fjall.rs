//! fjall behind the port: the embedded engine (docs/adr/0001-store-engine.md).
//!
//! One database, one key space for all rows, one per segment. It is read through snapshots only: in 3.1 a direct
//! read of a key space can see half of a batch that is being committed.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use eddy_base::Env;
use fjall::compaction::filter::{CompactionFilter, Context, Factory, ItemAccessor, Verdict};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot, UserValue};

use super::{Engine, EngineError, Order, Table, View, Write};
use crate::keys;
use crate::limits::MEMTABLE_BYTES;
use crate::log::Segment;

pub(crate) struct Fjall {
    database: Database,
    rows: Keyspace,
    segments: RwLock<Segments>,
}

type Segments = Arc<HashMap<Segment, Keyspace>>;

const ROWS: &str = "rows";

/// Flushing and compacting; more would only take memory on the machines this runs on.
const WORKERS: usize = 2;

/// Sealed journals beyond this make the engine flush the key spaces that hold them. A start reads all of them, so this
/// bounds it; it is the least that the engine allows.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

/// Up to this size on disk the rows are looked through before they are compacted to make room.
const SCAN_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What the engine adds to a row in its files, at most.
const ROW_OVERHEAD_BYTES: usize = 32;

/// What must stay free beside a compaction.
const COMPACTION_SLACK_BYTES: u64 = 8 * 1024 * 1024;

impl Fjall {
    /// Opens the database in `folder`, or makes it.
    pub(crate) fn open(folder: &Path, cache_bytes: u64, env: Arc<dyn Env>) -> Result<Fjall, EngineError> {
        let filter = Arc::new(Expiry { env });
        let database = Database::builder(folder)
            .cache_size(cache_bytes)
            .worker_threads(WORKERS)
            .max_journaling_size(JOURNAL_BYTES)
            .with_compaction_filter_factories(Arc::new(move |name| {
                (name == ROWS).then(|| Arc::clone(&filter) as Arc<dyn Factory>)
            }))
            .open()
            .map_err(failed)?;
        let rows = database.keyspace(ROWS, options).map_err(failed)?;
        let mut segments = HashMap::new();
        for name in database.list_keyspace_names() {
            if let Some(segment) = Segment::parse(&name) {
                segments.insert(segment, database.keyspace(&name, options).map_err(failed)?);
            }
        }
        Ok(Fjall { database, rows, segments: RwLock::new(Arc::new(segments)) })
    }

    fn segments_now(&self) -> Segments {
        Arc::clone(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_segments(&self, change: impl FnOnce(&mut HashMap<Segment, Keyspace>)) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = HashMap::clone(&segments);
        change(&mut changed);
        *segments = Arc::new(changed);
    }
}

impl Engine for Fjall {
    fn write(&self, group: Vec<Write>) -> Result<(), EngineError> {
        let segments = self.segments_now();
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for write in group {
            let keyspace = match write.table {
                Table::Rows => &self.rows,
                Table::Segment(segment) => {
                    segments.get(&segment).ok_or(EngineError::corrupt("a segment is missing"))?
                }
            };
            match write.value {
                Some(value) => batch.insert(keyspace, &*write.key, &*value),
                None => batch.remove(keyspace, &*write.key),
            }
        }
        batch.commit().map_err(failed)
    }

    fn view(&self) -> Arc<dyn View> {
        Arc::new(FjallView {
            snapshot: self.database.snapshot(),
            rows: self.rows.clone(),
            segments: self.segments_now(),
        })
    }

    fn segments(&self) -> Vec<Segment> {
        self.segments_now().keys().copied().collect()
    }

    fn make_segment(&self, segment: Segment) -> Result<(), EngineError> {
        if !self.segments_now().contains_key(&segment) {
            let keyspace = self.database.keyspace(&segment.name(), options).map_err(failed)?;
            self.change_segments(|segments| {
                segments.insert(segment, keyspace);
            });
        }
        Ok(())
    }

    fn drop_segment(&self, segment: Segment) -> Result<(), EngineError> {
        let Some(keyspace) = self.segments_now().get(&segment).cloned() else { return Ok(()) };
        self.change_segments(|segments| {
            segments.remove(&segment);
        });
        self.database.delete_keyspace(keyspace).map_err(failed)
    }

    fn reclaim(&self, free_bytes: u64) -> Result<(), EngineError> {
        self.rows.rotate_memtable_and_wait().map_err(failed)?;
        if self.rows.disk_space() > SCAN_BYTES_MAX {
            // The usual compaction has enough to do with the tombstones of so much.
            return Ok(());
        }
        if self.live_bytes()?.saturating_add(COMPACTION_SLACK_BYTES) < free_bytes {
            self.rows.major_compact().map_err(failed)?;
        }
        Ok(())
    }
}

impl Fjall {
    /// The bytes of all rows that are alive: more than a compaction of them can write.
    fn live_bytes(&self) -> Result<u64, EngineError> {
        let mut bytes = 0;
        for row in self.database.snapshot().iter(&self.rows) {
            let (key, value) = row.into_inner().map_err(failed)?;
            bytes += (key.len() + value.len() + ROW_OVERHEAD_BYTES) as u64;
        }
        Ok(bytes)
    }
}

struct FjallView {
    snapshot: Snapshot,
    rows: Keyspace,
    segments: Segments,
}

impl FjallView {
    fn keyspace(&self, table: Table) -> Option<&Keyspace> {
        match table {
            Table::Rows => Some(&self.rows),
            Table::Segment(segment) => self.segments.get(&segment),
        }
    }
}

impl View for FjallView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let Some(keyspace) = self.keyspace(table) else { return Ok(None) };
        Ok(self.snapshot.get(keyspace, key).map_err(failed)?.map(shared))
    }

    fn scan(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: &mut dyn FnMut(Bytes, Bytes) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let Some(keyspace) = self.keyspace(table) else { return Ok(()) };
        let mut rows = self.snapshot.range::<&[u8], _>(keyspace, range);
        loop {
            let row = match order {
                Order::Forward => rows.next(),
                Order::Backward => rows.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.into_inner().map_err(failed)?;
            if visit(Bytes::copy_from_slice(&key), shared(value)).is_break() {
                return Ok(());
            }
        }
    }
}

/// Removes rows that are past their time while they are moved anyway.
struct Expiry {
    env: Arc<dyn Env>,
}

impl std::panic::RefUnwindSafe for Expiry {}

impl Factory for Expiry {
    fn name(&self) -> &str {
        "expiry"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(ExpiredBy(self.env.now()))
    }
}

struct ExpiredBy(eddy_base::Timestamp);

impl CompactionFilter for ExpiredBy {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        // A tombstone and not nothing: an older version of the row may lie in a deeper level.
        let expired = keys::is_expired(&item.value()?, self.0);
        Ok(if expired { Verdict::Remove } else { Verdict::Keep })
    }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES)
}

/// Small values are copied, since a slice would keep its whole block alive.
fn shared(value: UserValue) -> Bytes {
    const COPY_BYTES_MAX: usize = 4096;
    if value.len() <= COPY_BYTES_MAX { Bytes::copy_from_slice(&value) } else { Bytes::from_owner(value) }
}

fn failed(error: fjall::Error) -> EngineError {
    EngineError(format!("the embedded engine failed: {error}"))
}

#[cfg(test)]
mod tests {
    use eddy_base::{System, Timestamp};

    use super::*;
    use crate::durable::Pos;
    use crate::keys::Stored;

    fn row(name: &'static str, until: Option<Timestamp>) -> Write {
        let value = Stored { until, ..Stored::new(Pos(1), "value") }.encode();
        Write { table: Table::Rows, key: Bytes::from_static(name.as_bytes()), value: Some(value) }
    }

    #[test]
    fn rows_past_their_time_go_with_a_compaction() {
        let folder = tempfile::tempdir().unwrap();
        let env: Arc<dyn Env> = Arc::new(System::default());
        let now = env.now();
        let later = now.plus(std::time::Duration::from_secs(3600));
        let engine = Fjall::open(folder.path(), 1024 * 1024, env).unwrap();
        // An older version, in another file, must not come back.
        engine.write(vec![row("gone", None), row("later", Some(later))]).unwrap();
        engine.rows.rotate_memtable_and_wait().unwrap();
        engine.write(vec![row("gone", Some(now)), row("stays", None)]).unwrap();
        let here = |name: &str| engine.view().get(Table::Rows, name.as_bytes()).unwrap().is_some();
        assert!(here("gone"), "the engine itself hides nothing");
        engine.reclaim(u64::MAX).unwrap();
        assert_eq!(["gone", "later", "stays"].map(here), [false, true, true]);
    }
}
