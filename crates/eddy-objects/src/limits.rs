//! Every limit of this crate.

use std::time::Duration;

/// Longest name of a bucket. Dialects are stricter; this is what the key layout carries.
pub const BUCKET_NAME_BYTES_MAX: usize = 255;
/// Longest key of an object.
pub const KEY_BYTES_MAX: usize = 1024;
/// Most bytes of one upload: a put, or a part.
pub const UPLOAD_BYTES_MAX: u64 = 5 << 30;
/// Fewest bytes of a part that is not the last of its object.
pub const PART_BYTES_MIN: u64 = 5 << 20;
/// Part numbers run from 1 to this.
pub const PART_NUMBER_MAX: u32 = 10_000;
/// Bodies up to this stand in the head row itself; above it in a row beside it, so that a listing, which reads
/// heads, stays cheap.
pub const HEAD_BODY_BYTES_MAX: usize = 4 * 1024;
/// A copied part whose range touches more extents than this is written anew as one, so that copies of copies do
/// not grow without end.
pub const SHARED_EXTENTS_PER_PART_MAX: usize = 64;
/// Most extents of one object.
pub const EXTENTS_MAX: usize = 65_536;
/// Most entries of one page, whatever the caller asks for.
pub const PAGE_ENTRIES_MAX: usize = 1000;
/// Rows that one step of a scan reads.
pub const SCAN_ROWS: usize = 128;
/// Keys that one batch of a bulk delete takes.
pub const DELETES_PER_BATCH: usize = 100;
/// Parts that the last batch of a bucket's deletion takes along; the rest goes before.
pub const PARTS_PER_BATCH: usize = 10_000;
/// How often a change is decided anew because others changed the same key first.
pub const ATTEMPTS_MAX: usize = 256;
/// How long it is remembered that an object is gone: far longer than any write takes from looking to committing.
pub const GONE_SPAN: Duration = Duration::from_secs(60);
