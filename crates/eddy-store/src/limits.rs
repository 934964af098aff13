//! Every bound of the store, with its unit.

use std::time::Duration;

/// Values up to this many bytes may stand in a row; larger bodies are blobs.
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// The longest key, in encoded bytes. The engine itself ends at 65,536.
pub const KEY_BYTES_MAX: usize = 16 * 1024;

/// The longest value of one row or record. Events of a mebibyte with their envelope fit.
pub const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most that one batch may carry, keys and values together.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Batches that share one sync.
pub(crate) const GROUP_BATCHES_MAX: usize = 1024;

/// Bytes that share one sync. A larger batch is a group of its own.
pub(crate) const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What may wait for the commit thread; beyond, callers wait to be let in.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a waiting batch costs besides its bytes, so that tiny ones are bounded too.
pub(crate) const BATCH_OVERHEAD_BYTES: usize = 256;

/// What `record` may have waiting; beyond, it refuses.
pub(crate) const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How often it is said that recorded batches were dropped.
pub(crate) const DROPPED_TOLD_EVERY: Duration = Duration::from_secs(60);

/// How long recorded batches wait for a group to join. They promise one second, the sync included.
pub(crate) const RECORD_DELAY: Duration = Duration::from_millis(500);

/// How often the mark beside the engine is synced.
pub(crate) const MARK_SYNC_EVERY: Duration = Duration::from_secs(1);

/// What a batch may append and still count as making room: the event of what goes.
pub(crate) const FREEING_APPENDS_BYTES_MAX: usize = 16 * 1024;

/// The same for each row or blob that goes, where many go at once.
pub(crate) const FREEING_APPEND_BYTES_MAX: usize = 2 * 1024;

/// How long after a segment has come into use the next one is made, unless something is to be committed.
pub(crate) const SEGMENT_AHEAD_AFTER: Duration = Duration::from_secs(1);

/// How long a segment that is to be made ahead waits for a moment in which nothing is to be committed.
pub(crate) const SEGMENT_AHEAD_WITHIN: Duration = Duration::from_secs(3600);

/// How long the file of a blob that lost its last row stays, for readers that are about to open it.
pub(crate) const BLOB_GRACE: Duration = Duration::from_secs(1);

/// How long a finished blob may wait for its first row.
pub(crate) const BLOB_UNNAMED_SPAN: Duration = Duration::from_secs(900);

/// Records that one batch deletes from a truncated log that is kept for ever.
pub(crate) const PURGE_RECORDS: u64 = 1000;

/// How long the housekeeping waits after a refused batch.
pub(crate) const CHORE_RETRY: Duration = Duration::from_secs(5);

/// How long an attempt's answer is remembered.
pub(crate) const ATTEMPT_SPAN: Duration = Duration::from_secs(600);

/// Rows kept decoded for the commit thread, in bytes, per generation (there are two).
pub(crate) const HOT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The code to end the process with when the store has failed: EX_IOERR of sysexits.h.
pub const EXIT_CODE_FATAL: i32 = 74;

/// The engine's cache of blocks, in bytes, unless the options say otherwise.
pub const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// The memory that unflushed rows may take before they go to a file, in bytes, per key space.
pub(crate) const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;

/// A blob is written and read in pieces of this size.
pub(crate) const BLOB_CHUNK_BYTES: usize = 256 * 1024;
