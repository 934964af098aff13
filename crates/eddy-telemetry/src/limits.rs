//! Limits of telemetry.

use std::time::Duration;

/// How long a trace is kept.
pub const TRACE_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Nodes that one tree shows; a larger one says that it is cut.
pub const TREE_NODES_MAX: usize = 1000;

/// Trees that a search by object gives, newest first.
pub const TREES_MAX: usize = 10;

/// Bytes of a node's label, outcome, subject or detail each; longer ones are cut at a character.
pub const TEXT_BYTES_MAX: usize = 512;

/// Nodes that a slow watcher may lag behind before it misses some.
pub const NEWS_MAX: usize = 1024;
