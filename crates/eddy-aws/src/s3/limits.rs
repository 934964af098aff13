//! The limits of S3's requests. Those of objects and parts are the engine's.

pub(super) const MIB: u64 = 1 << 20;
/// Entries of a page when the request does not say.
pub(super) const PAGE_ENTRIES: i64 = 1000;
/// Buckets of a page, at most and when the request does not say.
pub(super) const PAGE_BUCKETS: i64 = 10_000;
/// Keys of one DeleteObjects.
pub(super) const DELETE_KEYS_MAX: usize = 1000;
/// Names and values of a user's metadata, together.
pub(super) const METADATA_BYTES_MAX: usize = 2048;
pub(super) const OBJECT_TAGS_MAX: usize = 10;
pub(super) const BUCKET_TAGS_MAX: usize = 50;
/// Characters of a tag's key and value.
pub(super) const TAG_KEY_MAX: usize = 128;
pub(super) const TAG_VALUE_MAX: usize = 256;
/// Configurations of one bucket's notifications.
pub(super) const NOTIFICATIONS_MAX: usize = 100;
/// Rules for pages of other origins, their document, and characters of a rule's id.
pub(super) const CORS_RULES_MAX: usize = 100;
pub(super) const CORS_BYTES_MAX: u64 = 64 * 1024;
pub(super) const RULE_ID_CHARS_MAX: usize = 255;
/// The XML of DeleteObjects, with 1000 keys of 1024 bytes that may all be escaped, and of CompleteMultipartUpload
/// with 10,000 parts.
pub(super) const LONG_XML_BYTES_MAX: u64 = 8 * MIB;
/// The fields of an upload form without its file: S3's own bound.
pub(super) const FORM_FIELDS_BYTES_MAX: usize = 20 * 1024;
