//! The rows of the bus. All under tag `b`; a source's cell holds its log and the state of all its subscribers.
//!
//! Cell of a source: `1 | kind | account | region | name [| 1 qualifier]`. Kind 1 is a bucket, 2 a function.
//!
//! | row | value | who writes it | absent when |
//! |---|---|---|---|
//! | `0` | [`Set`](crate::rows::Set) | update `bus.enroll` in the batch of whoever subscribes; `bus.retire` when a closed subscription has reached its end | nobody ever subscribed |
//! | `1 serial` | [`Position`](crate::rows::Position) | update `bus.settle`, with whatever settles an event | nothing was settled yet; the subscription is gone |
//! | `2 serial offset` | [`Retry`](crate::rows::Retry) | a failed attempt that has another to come; deleted when the event is settled | the event waits for no retry |
//! | `3 offset serial` | [`Ended`](crate::rows::Ended), kept 7 days | the batch that settles the event for good | not settled yet, or long ago |
//! | `4` | names the log of [`Entry`](crate::rows::Entry), kept a week | whoever stages an event; sending again; a change of the set that closes a subscription | nothing ever happened |
//!
//! Cell of the dead letters of an account and region: `2 | account | region`.
//!
//! | row | value | who writes it | absent when |
//! |---|---|---|---|
//! | `0 offset` | [`Resent`](crate::rows::Resent), kept 31 days | sending it again | it was not sent again |
//! | `4` | names the log of [`Dead`](crate::Dead), kept a month | the batch that gives an event up | nothing ever died |
//!
//! Cell of the index: `3`. Written through `record` and so up to a second late; read again at start for whatever
//! has not been delivered.
//!
//! | row | value | who writes it | absent when |
//! |---|---|---|---|
//! | `id 1 offset` | the event's [`Source`], kept 7 days | the dispatcher, for each record of a source's log | the event is unknown |
//! | `id 2 offset` | the event's [`Source`], kept 31 days | the dispatcher, for each dead letter | the event has none |

use eddy_base::{Account, Id, Region, Scope};
use eddy_store::{Key, KeyBuilder, KeyReader, Log, Range, Retention, RowBuilder, Space};

use crate::Source;

/// The bus's name space.
pub const SPACE: Space = Space::new(b'b', "bus");

const CELL_SOURCE: u8 = 1;
const CELL_DEAD: u8 = 2;
const CELL_INDEX: u8 = 3;

const SOURCE_BUCKET: u8 = 1;
const SOURCE_FUNCTION: u8 = 2;

const ROW_SET: u8 = 0;
const ROW_POSITION: u8 = 1;
const ROW_RETRY: u8 = 2;
const ROW_ENDED: u8 = 3;
const ROW_LOG: u8 = 4;
const ROW_RESENT: u8 = 0;

const PLACE_EVENT: u8 = 1;
const PLACE_DEAD: u8 = 2;

/// What a key of the bus names, as far as its followers care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Set(Source),
    Log(Source),
    DeadLog(Scope),
    Other,
}

/// Where the index says that an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Event { offset: u64 },
    Dead { offset: u64 },
}

pub(crate) fn set(source: &Source) -> Key {
    source_cell(source).u8(ROW_SET).key()
}

pub(crate) fn position(source: &Source, serial: u64) -> Key {
    source_cell(source).u8(ROW_POSITION).u64(serial).key()
}

pub(crate) fn retry(source: &Source, serial: u64, offset: u64) -> Key {
    source_cell(source).u8(ROW_RETRY).u64(serial).u64(offset).key()
}

/// The retries of one subscription, from this offset on.
pub(crate) fn retries(source: &Source, serial: u64, from: u64) -> Range {
    let all = source_cell(source).u8(ROW_RETRY).u64(serial).prefix();
    all.starting(&retry(source, serial, from))
}

/// The number at the end of a key: a retry's offset, an end's serial.
pub(crate) fn last_number(key: &Key) -> Option<u64> {
    key.as_bytes().last_chunk::<8>().map(|offset| u64::from_be_bytes(*offset))
}

pub(crate) fn ended(source: &Source, offset: u64, serial: u64) -> Key {
    source_cell(source).u8(ROW_ENDED).u64(offset).u64(serial).key()
}

/// The ends of one event, one for each subscription that has settled it.
pub(crate) fn ends(source: &Source, offset: u64) -> Range {
    source_cell(source).u8(ROW_ENDED).u64(offset).prefix()
}

pub(crate) fn log(source: &Source) -> Log {
    Log { key: source_cell(source).u8(ROW_LOG).key(), retention: Retention::Week }
}

pub(crate) fn dead_log(scope: &Scope) -> Log {
    Log { key: dead_cell(scope).u8(ROW_LOG).key(), retention: Retention::Month }
}

pub(crate) fn resent(scope: &Scope, offset: u64) -> Key {
    dead_cell(scope).u8(ROW_RESENT).u64(offset).key()
}

pub(crate) fn index(id: Id, place: Place) -> Key {
    let row = index_row(id);
    match place {
        Place::Event { offset } => row.u8(PLACE_EVENT).u64(offset).key(),
        Place::Dead { offset } => row.u8(PLACE_DEAD).u64(offset).key(),
    }
}

/// All places of an event.
pub(crate) fn places(id: Id) -> Range {
    index_row(id).prefix()
}

/// The place that a key of the index names.
pub(crate) fn read_place(key: &Key) -> Option<Place> {
    let mut parts = key.reader();
    parts.skip_cell();
    parts.bytes().ok()?;
    let kind = parts.u8().ok()?;
    let offset = parts.u64().ok()?;
    match kind {
        PLACE_EVENT => Some(Place::Event { offset }),
        PLACE_DEAD => Some(Place::Dead { offset }),
        _ => None,
    }
}

/// What the key names. Keys that followers do not care about are `Other`, unknown ones too.
pub(crate) fn read(key: &Key) -> Named {
    read_parts(key).unwrap_or(Named::Other)
}

fn read_parts(key: &Key) -> Option<Named> {
    // The row first: most rows are positions and ends, and nobody asks whose.
    let mut row = key.reader();
    row.skip_cell();
    let row = row.u8().ok().filter(|row| matches!(*row, ROW_SET | ROW_LOG))?;
    let mut parts = key.reader();
    match (parts.u8().ok()?, row) {
        (CELL_SOURCE, ROW_SET) => read_source(&mut parts).map(Named::Set),
        (CELL_SOURCE, ROW_LOG) => read_source(&mut parts).map(Named::Log),
        (CELL_DEAD, ROW_LOG) => read_scope(&mut parts).map(Named::DeadLog),
        _ => None,
    }
}

fn read_source(parts: &mut KeyReader<'_>) -> Option<Source> {
    let kind = parts.u8().ok()?;
    let scope = read_scope(parts)?;
    let name = parts.text().ok()?;
    match kind {
        SOURCE_BUCKET => Some(Source::Bucket { scope, name }),
        SOURCE_FUNCTION => {
            let has_qualifier = parts.u8().ok()? == 1;
            let qualifier = if has_qualifier { Some(parts.text().ok()?) } else { None };
            Some(Source::Function { scope, name, qualifier })
        }
        _ => None,
    }
}

fn read_scope(parts: &mut KeyReader<'_>) -> Option<Scope> {
    let account = Account::new(&parts.text().ok()?).ok()?;
    let region = Region::new(&parts.text().ok()?).ok()?;
    Some(Scope { account, region })
}

fn source_cell(source: &Source) -> RowBuilder {
    let key = SPACE.key().u8(CELL_SOURCE);
    match source {
        Source::Bucket { scope, name } => with_scope(key.u8(SOURCE_BUCKET), scope).text(name).cell(),
        Source::Function { scope, name, qualifier } => {
            let key = with_scope(key.u8(SOURCE_FUNCTION), scope).text(name);
            match qualifier {
                None => key.u8(0).cell(),
                Some(qualifier) => key.u8(1).text(qualifier).cell(),
            }
        }
    }
}

fn dead_cell(scope: &Scope) -> RowBuilder {
    with_scope(SPACE.key().u8(CELL_DEAD), scope).cell()
}

fn index_row(id: Id) -> RowBuilder {
    SPACE.key().u8(CELL_INDEX).cell().bytes(id.as_bytes())
}

fn with_scope(key: KeyBuilder, scope: &Scope) -> KeyBuilder {
    key.text(scope.account.as_str()).text(scope.region.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Scope> {
        ("[0-9]{12}", "[a-z0-9-]{1,32}").prop_map(|(account, region)| Scope {
            account: Account::new(&account).unwrap(),
            region: Region::new(&region).unwrap(),
        })
    }

    fn sources() -> impl Strategy<Value = Source> {
        let name = "\\PC{1,20}";
        prop_oneof![
            (scopes(), name).prop_map(|(scope, name)| Source::Bucket { scope, name }),
            (scopes(), name, proptest::option::of(name))
                .prop_map(|(scope, name, qualifier)| Source::Function { scope, name, qualifier }),
        ]
    }

    proptest! {
        #[test]
        fn keys_of_a_source_name_it_and_share_its_cell(
            source in sources(), other in sources(), serial: u64, offset: u64,
        ) {
            prop_assert_eq!(read(&set(&source)), Named::Set(source.clone()));
            prop_assert_eq!(read(&log(&source).key), Named::Log(source.clone()));
            prop_assert_eq!(last_number(&retry(&source, serial, offset)), Some(offset));
            let keys = [
                set(&source),
                position(&source, serial),
                retry(&source, serial, offset),
                ended(&source, offset, serial),
                log(&source).key,
            ];
            for (index, key) in keys.iter().enumerate() {
                prop_assert_eq!(key.cell(), keys[0].cell());
                prop_assert_eq!(key.cell() == set(&other).cell(), source == other);
                // The rows stand in the order of the table, the set first: that is how open finds all sources.
                prop_assert!(index == 0 || keys[index - 1] < *key);
            }
        }

        #[test]
        fn retries_sort_by_offset_and_are_bounded_below(
            source in sources(), serial: u64, one: u64, two: u64, from: u64,
        ) {
            let (first, second) = (retry(&source, serial, one), retry(&source, serial, two));
            prop_assert_eq!(first.cmp(&second), one.cmp(&two));
            prop_assert_eq!(first.is_in(&retries(&source, serial, from)), one >= from);
            let other = retry(&source, serial.wrapping_add(1), one);
            prop_assert!(!other.is_in(&retries(&source, serial, 0)));
        }

        #[test]
        fn the_index_gives_places_back(id: [u8; 16], other: [u8; 16], offset: u64) {
            let (id, other) = (Id::from_bytes(id), Id::from_bytes(other));
            for place in [Place::Event { offset }, Place::Dead { offset }] {
                let key = index(id, place);
                prop_assert_eq!(read_place(&key), Some(place));
                prop_assert!(key.is_in(&places(id)));
                prop_assert_eq!(key.is_in(&places(other)), id == other);
                prop_assert_eq!(read(&key), Named::Other);
            }
        }

        #[test]
        fn dead_letters_have_a_cell_per_scope(scope in scopes(), other in scopes(), offset: u64) {
            prop_assert_eq!(read(&dead_log(&scope).key), Named::DeadLog(scope.clone()));
            prop_assert_eq!(resent(&scope, offset).cell(), dead_log(&scope).key.cell());
            prop_assert_eq!(dead_log(&other).key.cell() == dead_log(&scope).key.cell(), scope == other);
        }
    }
}
