//! Limits of telemetry.

use std::time::Duration;

/// How long a trace is kept.
pub const TRACE_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Nodes that one tree shows; a larger one says that it is cut.
pub const TREE_NODES_MAX: usize = 1000;

/// Trees that a search by object gives, newest first.
pub const TREES_MAX: usize = 10;

/// Bytes of a node's label, outcome or subject each; longer ones are cut at a character.
pub const TEXT_BYTES_MAX: usize = 1200;

/// Bytes of a node's detail, which may hold a traceback.
pub const DETAIL_BYTES_MAX: usize = 4096;

/// Nodes that a slow watcher may lag behind before it misses some.
pub const NEWS_MAX: usize = 1024;

/// A chunk of log events ends at about so many bytes or events.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;
pub const CHUNK_EVENTS_MAX: usize = 1_000;

/// Events in one put, and its bytes: each message's UTF-8 and 26 more.
pub const PUT_EVENTS_MAX: usize = 10_000;
pub const PUT_BYTES_MAX: usize = 1_048_576;
pub const EVENT_OVERHEAD_BYTES: usize = 26;
/// How far apart the first and the last event of one put may be.
pub const PUT_SPAN_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How old an event may be when it is put, and how far ahead of the clock.
pub const EVENT_AGE_MAX: Duration = Duration::from_secs(14 * 24 * 60 * 60);
pub const EVENT_AHEAD_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// Events in one page of a read, and its bytes.
pub const PAGE_EVENTS_MAX: usize = 10_000;
pub const PAGE_BYTES_MAX: usize = 1_048_576;
/// What one page of a search looks at before it is given back as it is, with a token to go on from.
pub const SEARCH_EVENTS_MAX: usize = 200_000;

/// Streams that one search goes through side by side.
pub const SEARCH_STREAMS_MAX: usize = 100_000;
/// Rows deleted in one commit when a group is cleared.
pub const CLEAR_ROWS_MAX: usize = 1_000;
/// Chunks that a slow live tail may be behind before it misses some.
pub const TAIL_CHUNKS_MAX: usize = 1_024;

/// The longest pattern, in bytes; how deep it nests; how large the program of one of its regular expressions is.
pub const PATTERN_BYTES_MAX: usize = 1_024;
pub const PATTERN_DEPTH_MAX: usize = 32;
pub const PATTERN_REGEX_BYTES_MAX: usize = 256 * 1024;
/// Regular expressions in one pattern.
pub const PATTERN_REGEXES_MAX: usize = 2;

/// Bytes that may wait for a group that is being made.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
