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

/// How long recorded batches wait for a group to join. They promise one second, the sync included.
pub(crate) const RECORD_DELAY: Duration = Duration::from_millis(500);

/// How long an attempt's answer is remembered.
pub(crate) const ATTEMPT_SPAN: Duration = Duration::from_secs(600);

/// Rows kept decoded for the commit thread, in bytes, per generation (there are two).
pub(crate) const HOT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The engine's cache of blocks, in bytes, unless the options say otherwise.
pub const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// The memory that unflushed rows may take before they go to a file, in bytes, per key space.
pub(crate) const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;

/// A blob is written and read in pieces of this size.
pub(crate) const BLOB_CHUNK_BYTES: usize = 256 * 1024;
