//! Every limit of the bus, with its unit and its reason.

use std::time::Duration;

/// Attempts after a first one that failed, where a target says nothing else.
pub const RETRIES_DEFAULT: u32 = 2;
/// From a first failure to the second attempt, where nobody says otherwise: 60 s, then 120 s.
pub const RETRY_BASE: Duration = Duration::from_secs(60);
/// How old an event may become at most before it is given up, and at least.
pub const AGE_MAX: Duration = Duration::from_secs(21_600);
pub const AGE_MIN: Duration = Duration::from_secs(60);
/// The first and the longest time for which an event is put back.
pub const PUT_BACK_FIRST: Duration = Duration::from_secs(1);
pub const PUT_BACK_MAX: Duration = Duration::from_secs(300);
/// Deliveries on their way to one subscription at once, where a target says nothing else.
pub const PARALLEL_MAX: usize = 16;
/// Deliveries on their way at once, all subscriptions together.
pub const IN_FLIGHT_MAX: usize = 256;
/// Payload bytes of deliveries on their way at once, all subscriptions together.
pub const IN_FLIGHT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long one attempt may take before its lease is void. Above any function's time-out with its wait for a free
/// environment.
pub const LEASE: Duration = Duration::from_secs(3_600);
/// Events of one subscription that wait for a retry. Beyond it nothing new is taken from the log: the backlog
/// stays there, where it costs no memory.
pub const WAITING_MAX: usize = 100_000;
/// Subscriptions of one source, those that still end included.
pub const SUBSCRIPTIONS_MAX: usize = 1_000;
/// Records read from a log in one go.
pub const READ_RECORDS_MAX: usize = 128;
pub const READ_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events settled in one batch.
pub const SETTLE_MAX: usize = 256;
pub const SETTLE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Records passed over because no filter wants them, before that is written down without an event to settle.
pub const SKIPPED_UNWRITTEN_MAX: u64 = 1_024;
/// Lines kept in memory; above it idle ones are dropped and read again when needed.
pub const LINES_KEPT_MAX: usize = 1_024;
/// The first and the longest pause after a commit that failed.
pub const COMMIT_RETRY_FIRST: Duration = Duration::from_millis(100);
pub const COMMIT_RETRY_MAX: Duration = Duration::from_secs(10);
/// Bytes of an error's type, of its message and of its trace that are kept: the function chooses them, and a row that
/// is too large for the store would keep everything else of its source from being written down.
pub const ERROR_TYPE_BYTES_MAX: usize = 1024;
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;
pub const TRACE_BYTES_MAX: usize = 32 * 1024;
/// Progress reports that a slow listener may be behind.
pub const PROGRESS_BEHIND_MAX: usize = 1_024;
/// How often it is tried to send a failed event again while its subscriptions change.
pub const RESEND_TRIES_MAX: usize = 16;
/// Dead letters in one page.
pub const DEAD_PAGE_MAX: usize = 1_000;

/// How long it can be asked how an event went; its log is kept as long. Far above [`AGE_MAX`], so what waits is
/// always there.
pub const EVENT_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long dead letters can be looked at and sent again.
pub const DEAD_KEPT: Duration = Duration::from_secs(31 * 86_400);
