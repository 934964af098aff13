//! Every limit of this crate, with its unit.

use std::time::Duration;

/// The largest response of a function: 6 MiB and the 100 bytes that the real service allows on top.
pub const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// The largest event that a guest is handed: 6 MiB and as much slack as a response has.
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// The longest error document that is taken from a guest. Longer ones fail as a garbled answer.
pub const ERROR_BYTES_MAX: usize = 1024 * 1024;

/// One log line. The rest of a longer one is the next line.
pub const LOG_LINE_BYTES_MAX: usize = 256 * 1024;

/// What one environment may print at once; it grows back at [`LOG_BYTES_PER_SECOND`]. Beyond it lines are
/// dropped and counted.
pub const LOG_BURST_BYTES: u64 = 16 * 1024 * 1024;

/// What one environment may print for ever.
pub const LOG_BYTES_PER_SECOND: u64 = 4 * 1024 * 1024;

/// How long a guest may take to become ready before the caller should give up on it.
pub const INIT_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a jail may take to stand, from the request until its program runs.
pub const JAIL_TIME_MAX: Duration = Duration::from_secs(10);

/// Connections that one guest may have to the Runtime API at a time; more wait.
pub const API_CONNECTIONS_MAX: usize = 64;

/// Connections that one guest may have to the platform endpoint at a time; more wait. An SDK keeps ten for each client
/// that it makes.
pub const CALLS_PER_GUEST_MAX: usize = 256;

/// How long a listener rests after an accept that failed.
pub const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Processes and threads of one guest, as on Lambda.
pub const PIDS_MAX: u32 = 1024;

/// Open files of one process of a guest, as on Lambda.
pub const OPEN_FILES_MAX: u64 = 1024;

/// The least memory that a guest may be given; below it no interpreter starts.
pub const MEMORY_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// The shortest time between two looks at the memory of a guest at work, where a control group counts it.
pub const MEMORY_LOOK: Duration = Duration::from_millis(10);

/// The longest, since the looks are also what its peak is known by.
pub const MEMORY_LOOK_MAX: Duration = Duration::from_secs(1);

/// No guest is thought to fill its memory faster than this. The kernel clears each page before it hands it out, which
/// takes a core a second for a few GiB.
pub const MEMORY_GROWTH_BYTES_PER_SECOND: u64 = 4 << 30;

/// The shortest where it must be added up from the pages of each process, which is dearer.
pub const MEMORY_LOOK_BY_PAGES: Duration = Duration::from_millis(50);
