//! What one codec writes it reads back, for made-up values of every structure of every model.

use std::collections::BTreeSet;

use eddy_base::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{cbor, json, xml};
use crate::schema::{self, Kind, Location, Shape, Structure, TimeFormat};
use crate::{Document, Struct};

/// A generator of values from one seed.
struct Maker {
    state: u64,
}

impl Maker {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn text(&mut self) -> String {
        const LETTERS: &[char] = &[
            'a',
            'Z',
            ' ',
            '<',
            '&',
            '"',
            '\'',
            '\\',
            '\n',
            '\r',
            '\t',
            '\u{1}',
            'é',
            '\u{1F600}',
            ']',
            '>',
        ];
        (0..self.below(9)).map(|_| LETTERS[self.below(LETTERS.len() as u64) as usize]).collect()
    }

    fn value(&mut self, shape: &'static Shape, depth: usize) -> Document {
        match &shape.kind {
            Kind::Bool => Document::Bool(self.below(2) == 1),
            Kind::Integer => Document::Int(i64::from(self.next() as i32)),
            Kind::Long => Document::Int(self.next() as i64),
            Kind::Float | Kind::Double => Document::Float((self.next() as i64) as f64 / 1024.0),
            Kind::Text => Document::Text(self.text()),
            Kind::Blob => Document::Blob(self.next().to_le_bytes()[..self.below(9) as usize].to_vec().into()),
            Kind::Time(format) => {
                let millis = self.below(4_000_000_000_000) as i64 - 1_000_000_000_000;
                let is_whole = *format == Some(TimeFormat::HttpDate);
                Document::Time(Timestamp::from_millis(if is_whole { millis / 1000 * 1000 } else { millis }))
            }
            // Flattened lists and maps in XML cannot say that they are there and empty.
            Kind::List(list) => {
                let length = 1 + self.below(3);
                Document::List((0..length).map(|_| self.value(list.element.get(), depth + 1)).collect())
            }
            Kind::Map(map) => {
                let length = 1 + self.below(3);
                let mut entry = |_| (self.text(), self.value(map.value.get(), depth + 1));
                Document::Map((0..length).map(&mut entry).collect())
            }
            Kind::Struct(structure) => Document::Struct(self.structure(shape, structure, depth)),
        }
    }

    fn structure(&mut self, shape: &'static Shape, structure: &Structure, depth: usize) -> Struct {
        let mut value = Struct::new(shape);
        for (index, member) in structure.members.iter().enumerate() {
            // XML is not read without what its model requires.
            let wanted = member.required || depth < 6 && self.below(3) > 0;
            if member.location == Location::Body && wanted {
                value.put(index, self.value(member.shape.get(), depth + 1));
            }
        }
        value
    }
}

fn structures() -> Vec<&'static Shape> {
    let services = schema::names().filter_map(schema::service);
    services
        .flat_map(|service| service.shapes())
        .filter(|shape| matches!(shape.kind, Kind::Struct(_)))
        .collect()
}

/// Do two members stand in elements of one name, here or below? S3's oldest operations have such.
fn is_ambiguous(shape: &'static Shape, seen: &mut BTreeSet<&'static str>) -> bool {
    if !seen.insert(shape.name) {
        return false;
    }
    match &shape.kind {
        Kind::Struct(structure) => {
            let names: BTreeSet<&str> = structure.members.iter().map(|member| member.wire_name).collect();
            names.len() < structure.members.len()
                || structure.members.iter().any(|member| is_ambiguous(member.shape.get(), seen))
        }
        Kind::List(list) => is_ambiguous(list.element.get(), seen),
        Kind::Map(map) => is_ambiguous(map.value.get(), seen),
        _ => false,
    }
}

fn check(trip: impl Fn(&'static Shape, &Struct) -> Document) {
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let mut shapes = structures();
    shapes.retain(|shape| !is_ambiguous(shape, &mut BTreeSet::new()));
    let chosen = (any::<u64>(), 0..shapes.len());
    let outcome = runner.run(&chosen, |(seed, at)| {
        let shape = shapes[at];
        let value = Maker { state: seed }.structure(shape, shape.structure(), 0);
        prop_assert_eq!(trip(shape, &value), Document::Struct(value));
        Ok(())
    });
    outcome.expect("all come back");
}

#[test]
fn json_comes_back() {
    check(|shape, value| {
        let mut body = Vec::new();
        json::write(&Document::Struct(value.clone()), &mut body);
        json::read(shape, &body).expect("we wrote it")
    });
}

#[test]
fn cbor_comes_back() {
    check(|shape, value| {
        cbor::read(shape, &cbor::write(&Document::Struct(value.clone()))).expect("we wrote it")
    });
}

#[test]
fn xml_comes_back() {
    check(|shape, value| {
        let mut body = String::new();
        xml::write_root(value, "Root", "", xml::Names::Rest, &mut body);
        xml::read(shape, "Root", body.as_bytes()).expect("we wrote it")
    });
}
