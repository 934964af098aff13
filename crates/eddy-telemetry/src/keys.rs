//! Every persisted key of telemetry: who writes it, when it may be absent.
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `n`, root id / node id | [`crate::Node`] | `Telemetry::node` | after a week; for reads from outside |
//! | `i`, node id / | root id, 16 bytes | the same batch, for nodes other than roots | with its node |
//! | `s`, subject / time inverted, root id | nothing | the same batch, for nodes with a subject | with its node |
//!
//! These three end a week after their node began.
//!
//! Log groups of an account and region, cell `d account region`:
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `0 name` | [`Group`](crate::logs::rows::Group) | creating it, its settings and tags | no such group |
//!
//! Log groups that were deleted, of all accounts, cell `c`:
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `group id` | nothing | deleting a group; removed once its streams are gone | nothing is left to clear |
//!
//! One log group, cell `g group id`; the id is drawn anew for each group, so a name that comes back is empty:
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `0 stream` | [`Stream`](crate::logs::rows::Stream) | creating it; update `telemetry.append` with each append | no such stream |
//! | `1 stream` | names the log of [`Chunk`](crate::logs::chunk::Chunk), of the group's retention | an append | nothing was written |
//! | `2` | counter: bytes of all messages ever written | each append | nothing was written |

use bytes::Bytes;
use eddy_base::{Id, Scope, Timestamp};
use eddy_store::{Key, Log, Range, Retention, RowBuilder, Space};

/// Telemetry's key space.
pub const SPACE: Space = Space::new(b't', "telemetry");

const DIRECTORY: u8 = b'd';
const GROUP: u8 = b'g';
const CLEARED: u8 = b'c';

const ROW_GROUP: u8 = 0;
const ROW_STREAM: u8 = 0;
const ROW_LOG: u8 = 1;
const ROW_BYTES: u8 = 2;

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

/// A log group.
pub fn group(scope: &Scope, name: &str) -> Key {
    directory(scope).u8(ROW_GROUP).text(name).key()
}

/// The log groups whose names begin with `prefix`.
pub fn groups(scope: &Scope, prefix: &str) -> Range {
    directory(scope).u8(ROW_GROUP).text_prefix(prefix)
}

/// A deleted group whose streams are still to be cleared.
pub fn cleared(id: u64) -> Key {
    SPACE.key().u8(CLEARED).cell().u64(id).key()
}

/// All deleted groups whose streams are still to be cleared.
pub fn all_cleared() -> Range {
    SPACE.key().u8(CLEARED).cell().prefix()
}

/// The id in a key made by [`cleared`].
pub fn id_of_cleared(key: &Key) -> Option<u64> {
    key.as_bytes().last_chunk::<8>().map(|id| u64::from_be_bytes(*id))
}

/// A stream of a group.
pub fn stream(group: u64, name: &str) -> Key {
    group_cell(group).u8(ROW_STREAM).text(name).key()
}

/// The streams of a group whose names begin with `prefix`.
pub fn streams(group: u64, prefix: &str) -> Range {
    group_cell(group).u8(ROW_STREAM).text_prefix(prefix)
}

/// The last text of a key: a group's or a stream's name.
pub fn name(key: &Key) -> Option<String> {
    let mut reader = key.reader();
    reader.skip_cell();
    reader.u8().ok()?;
    reader.text().ok()
}

/// What was written to a stream.
pub fn log(group: u64, stream: &str, retention: Retention) -> Log {
    Log { key: group_cell(group).u8(ROW_LOG).text(stream).key(), retention }
}

/// How many bytes were written to a group.
pub fn bytes(group: u64) -> Key {
    group_cell(group).u8(ROW_BYTES).key()
}

/// The group and stream whose log a key names.
pub fn read_log(key: &Key) -> Option<(u64, String)> {
    let mut reader = key.reader();
    if reader.u8().ok()? != GROUP {
        return None;
    }
    let group = reader.u64().ok()?;
    (reader.u8().ok()? == ROW_LOG).then_some(())?;
    Some((group, reader.text().ok()?))
}

fn directory(scope: &Scope) -> RowBuilder {
    SPACE.key().u8(DIRECTORY).text(scope.account.as_str()).text(scope.region.as_str()).cell()
}

fn group_cell(id: u64) -> RowBuilder {
    SPACE.key().u8(GROUP).u64(id).cell()
}

fn id(bytes: &[u8]) -> Option<Id> {
    Some(Id::from_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn log_keys_name_what_they_should(id: u64, stream in "\\PC{0,20}", other in "\\PC{0,20}", cut in 0..20_usize) {
            let key = log(id, &stream, Retention::Week).key;
            prop_assert_eq!(read_log(&key), Some((id, stream.clone())));
            prop_assert_eq!(read_log(&super::stream(id, &stream)), None);
            prop_assert_eq!(key.cell(), super::stream(id, &stream).cell());
            prop_assert_eq!(key.cell(), bytes(id).cell());
            prop_assert_eq!(name(&super::stream(id, &stream)), Some(stream.clone()));
            // Names sort as their bytes do, and are found by how they begin.
            let (one, two) = (super::stream(id, &stream), super::stream(id, &other));
            prop_assert_eq!(one.cmp(&two), stream.as_bytes().cmp(other.as_bytes()));
            let prefix: String = other.chars().take(cut).collect();
            prop_assert_eq!(one.is_in(&streams(id, &prefix)), stream.starts_with(&prefix));
        }

        #[test]
        fn groups_are_found_by_name_and_leftovers_by_id(id: u64, group_name in "\\PC{0,20}") {
            let scope = Scope { account: Default::default(), region: Default::default() };
            let key = group(&scope, &group_name);
            prop_assert_eq!(name(&key), Some(group_name));
            prop_assert!(key.is_in(&groups(&scope, "")));
            let left = cleared(id);
            prop_assert!(left.is_in(&all_cleared()) && !key.is_in(&all_cleared()));
            prop_assert_eq!(id_of_cleared(&left), Some(id));
        }
    }

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
