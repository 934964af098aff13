//! Keys come back as they went in, and sort as their parts do.

use eddy_store::{Key, KeyReader, RowBuilder};
use proptest::prelude::*;

use crate::THINGS;

/// One part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    Bytes(Vec<u8>),
    U64(u64),
    I64(i64),
    U8(u8),
}

impl Part {
    fn write(&self, row: RowBuilder) -> RowBuilder {
        match self {
            Part::Text(part) => row.text(part),
            Part::Bytes(part) => row.bytes(part),
            Part::U64(part) => row.u64(*part),
            Part::I64(part) => row.i64(*part),
            Part::U8(part) => row.u8(*part),
        }
    }

    fn read_alike(&self, reader: &mut KeyReader<'_>) -> Part {
        match self {
            Part::Text(_) => Part::Text(reader.text().unwrap()),
            Part::Bytes(_) => Part::Bytes(reader.bytes().unwrap()),
            Part::U64(_) => Part::U64(reader.u64().unwrap()),
            Part::I64(_) => Part::I64(reader.i64().unwrap()),
            Part::U8(_) => Part::U8(reader.u8().unwrap()),
        }
    }
}

fn key(cell: &str, parts: &[Part]) -> Key {
    parts.iter().fold(THINGS.key().text(cell).u64(7).cell(), |row, part| part.write(row)).key()
}

/// Short, and full of the bytes that the escape is about.
fn awkward() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, 2, 0xfe, 0xff, b'a']), 0..6)
}

fn part(kind: u8) -> BoxedStrategy<Part> {
    match kind {
        0 => "[\\x00\\x01ab\u{7f}é]{0,4}".prop_map(Part::Text).boxed(),
        1 => awkward().prop_map(Part::Bytes).boxed(),
        2 => any::<u64>().prop_map(Part::U64).boxed(),
        3 => any::<i64>().prop_map(Part::I64).boxed(),
        _ => any::<u8>().prop_map(Part::U8).boxed(),
    }
}

/// Two keys with the same kinds of parts, as keys of one space have.
fn alike() -> impl Strategy<Value = (Vec<Part>, Vec<Part>)> {
    prop::collection::vec(0..5_u8, 1..4).prop_flat_map(|kinds| {
        let parts = || kinds.iter().map(|kind| part(*kind)).collect::<Vec<_>>();
        (parts(), parts())
    })
}

proptest! {
    #[test]
    fn parts_come_back_and_keys_sort_as_parts((one, other) in alike(), cell in "[\\x00a]{0,3}") {
        let (key_of_one, key_of_other) = (key(&cell, &one), key(&cell, &other));
        let mut reader = key_of_one.reader();
        prop_assert_eq!(&reader.text().unwrap(), &cell);
        prop_assert_eq!(reader.u64().unwrap(), 7);
        for part in &one {
            prop_assert_eq!(&part.read_alike(&mut reader), part);
        }
        prop_assert!(reader.is_empty());
        prop_assert!(reader.u8().is_err());
        prop_assert_eq!(key_of_one.cmp(&key_of_other), one.cmp(&other));
        prop_assert_eq!(key_of_one.cell(), key_of_other.cell());
    }

    #[test]
    fn a_prefix_holds_exactly_what_begins_with_it(start in awkward(), whole in awkward()) {
        let row = || THINGS.key().text("cell").cell();
        let key = row().bytes(&whole).u8(9).key();
        prop_assert_eq!(key.is_in(&row().bytes_prefix(&start)), whole.starts_with(&start));
        prop_assert_eq!(key.is_in(&row().bytes(&start).prefix()), whole == start);
        prop_assert!(key.is_in(&key.cell().range()));
        prop_assert!(key.is_in(&THINGS.range()));
    }

    #[test]
    fn a_reader_of_other_parts_does_not_panic(bytes in awkward()) {
        let key = THINGS.key().cell().u8(0).bytes(&bytes).key();
        let mut reader = key.reader();
        let _ = (reader.clone().text(), reader.clone().u64(), reader.clone().i64());
        reader.skip_cell();
        while !reader.is_empty() && reader.bytes().is_ok() {}
    }
}

#[test]
fn the_end_of_all_keys_is_open() {
    let space = eddy_store::Space::new(0xff, "last");
    let key = space.key().bytes(&[0xff; 4]).cell().bytes(&[0xff; 4]).key();
    assert!(key.is_in(&space.range()));
    assert!(key.is_in(&key.cell().range()));
    assert!(!key.is_in(&THINGS.range()));
}
