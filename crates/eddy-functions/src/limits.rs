//! Every limit of this crate, with its unit and where it comes from.

use std::time::Duration;

// ---- packages -----------------------------------------------------------------------------------------

/// A package that travels inside the request, in bytes (the documented 50 MB).
pub const PACKAGE_INLINE_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// A package by reference, in bytes. Zipped it cannot usefully be larger than what it may unpack to.
pub const PACKAGE_BYTES_MAX: u64 = UNPACKED_BYTES_MAX;
/// All files of a package together, in bytes (the documented 250 MB).
pub const UNPACKED_BYTES_MAX: u64 = 262_144_000;
/// Files, folders and links of a package. Not documented; it bounds the inodes that one upload may take.
pub const ENTRIES_MAX: usize = 100_000;
/// One path inside a package, in bytes.
pub const PATH_BYTES_MAX: usize = 2_048;
/// One component of such a path, in bytes (Linux's NAME_MAX).
pub const PATH_PART_BYTES_MAX: usize = 255;

// ---- functions ----------------------------------------------------------------------------------------

/// All variables of a function, names and values together, in bytes (the documented 4 KB).
pub const VARIABLES_BYTES_MAX: usize = 4_096;
/// A resource policy, in bytes, as rendered.
pub const POLICY_BYTES_MAX: usize = 20_480;
/// Tags on one function.
pub const TAGS_MAX: usize = 50;
/// Functions on one page of a list.
pub const PAGE_MAX: usize = 50;
/// How often a change is decided again because another change of the same function came first.
pub const CHANGE_TRIES_MAX: usize = 8;

// ---- invocation ---------------------------------------------------------------------------------------

/// A payload of a synchronous invocation, in bytes (the documented 6 MB).
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
/// A payload of an asynchronous invocation, in bytes (the documented 1 MB).
pub const PAYLOAD_ASYNC_BYTES_MAX: usize = 1024 * 1024;
/// What a function may answer, in bytes: the documented 6 MB and a little for the envelope.
pub const RESPONSE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 100;
/// The end of an invocation's log that a caller may ask for, in bytes.
pub const TAIL_BYTES_MAX: usize = 4_096;
/// Invocations of one function that wait for an environment.
pub const WAITING_MAX: usize = 1_000;
/// Payloads of all invocations that wait, in bytes.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long an invocation waits for an environment when none is being started for it.
pub const WAIT_MAX: Duration = Duration::from_secs(10);
/// Environments of one function that are started at the same time.
pub const STARTS_MAX: usize = 8;
/// The first attempt to initialize an environment; after it the function's own time-out counts.
pub const INIT_MAX: Duration = Duration::from_secs(10);
/// An environment that has been idle for this long is frozen. Long enough that a busy one never is.
pub const FREEZE_AFTER: Duration = Duration::from_millis(50);
/// An environment that has been idle for this long is stopped.
pub const IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// An environment of this age takes no more invocations.
pub const AGE_MAX: Duration = Duration::from_secs(11 * 60 * 60);
/// How long the session of an environment lasts: longer than [`AGE_MAX`] and the longest invocation together.
pub const SESSION: Duration = eddy_identity::limits::SESSION_LIFE_MAX;

// ---- asynchronous invocation --------------------------------------------------------------------------

/// Attempts after the first one, at most and by default.
pub const RETRIES_MAX: u8 = 2;
/// The age at which an event is given up, in seconds: least, most, and the default.
pub const EVENT_AGE_SECONDS_MIN: u32 = 60;
pub const EVENT_AGE_SECONDS_MAX: u32 = 21_600;

/// Functions whose rows are remembered. Beyond it all are forgotten, and read again when they are needed.
pub const KNOWN_MAX: usize = 4_096;

/// What the tag `eddy:retry-seconds` may say, in seconds.
pub const RETRY_SECONDS: std::ops::RangeInclusive<u64> = 1..=3600;
