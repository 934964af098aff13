//! Every persisted key of telemetry: who writes it, when it may be absent.
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `n`, root id / node id | [`crate::Node`] | `Telemetry::node` | after a week; for reads from outside |
//! | `i`, node id / | root id, 16 bytes | the same batch, for nodes other than roots | with its node |
//! | `s`, subject / time inverted, root id | nothing | the same batch, for nodes with a subject | with its node |
//!
//! All three end a week after their node began.

use bytes::Bytes;
use eddy_base::{Id, Timestamp};
use eddy_store::{Key, Range, Space};

/// Telemetry's key space.
pub const SPACE: Space = Space::new(b't', "telemetry");

const NODE: u8 = b'n';
const INDEX: u8 = b'i';
const SUBJECT: u8 = b's';

/// A node of the tree below `root`.
pub fn node(root: Id, id: Id) -> Key {
    SPACE.key().u8(NODE).bytes(root.as_bytes()).cell().bytes(id.as_bytes()).key()
}

/// All nodes of the tree below `root`.
pub fn nodes(root: Id) -> Range {
    SPACE.key().u8(NODE).bytes(root.as_bytes()).cell().prefix()
}

/// Where the node `id` hangs.
pub fn index(id: Id) -> Key {
    SPACE.key().u8(INDEX).bytes(id.as_bytes()).cell().key()
}

/// One tree that touched `subject`; newer ones sort first.
pub fn subject(subject: &str, at: Timestamp, root: Id) -> Key {
    let inverted = u64::MAX - u64::try_from(at.millis()).unwrap_or(0);
    SPACE.key().u8(SUBJECT).text(subject).cell().u64(inverted).bytes(root.as_bytes()).key()
}

/// All trees that touched `subject`, newest first.
pub fn subjects(subject: &str) -> Range {
    SPACE.key().u8(SUBJECT).text(subject).cell().prefix()
}

/// The root in a key made by [`subject`].
pub fn root_of_subject(key: &Key) -> Option<Id> {
    let mut reader = key.reader();
    reader.u8().ok()?;
    reader.text().ok()?;
    reader.u64().ok()?;
    id(&reader.bytes().ok()?)
}

/// The root in a row at [`index`].
pub fn root_of_index(value: &Bytes) -> Option<Id> {
    id(value)
}

fn id(bytes: &[u8]) -> Option<Id> {
    Some(Id::from_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_trees_of_a_subject_sort_first() {
        let root = Id::from_bytes([7; 16]);
        let (old, new) = (
            subject("b/k", Timestamp::from_millis(1), root),
            subject("b/k", Timestamp::from_millis(2), root),
        );
        assert!(new.as_bytes() < old.as_bytes());
        assert_eq!(root_of_subject(&old), Some(root));
    }
}
