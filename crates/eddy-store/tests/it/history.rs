//! The same random history on every engine, and in a model of a few lines: same answers, same state.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::System;
use eddy_store::testing::Disk;
use eddy_store::{Batch, EngineKind, Error, Key, Log, Options, Order, Refusal, Retention, Store};
use futures_util::future::join_all;
use proptest::prelude::*;

use crate::{OTHERS, THINGS, all, key};

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u8),
    Create(u8, u8),
    Replace(u8, u8),
    Delete(u8),
    Add(u8, i8),
    Spend(u8, u8),
    Append(u8, u8),
    Truncate(u8, u8),
    /// All of them, or none.
    Both(Box<Op>, Box<Op>),
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let row = 0..6_u8;
    let one = prop_oneof![
        3 => (row.clone(), any::<u8>()).prop_map(|(row, value)| Op::Put(row, value)),
        2 => (row.clone(), any::<u8>()).prop_map(|(row, value)| Op::Create(row, value)),
        2 => (row.clone(), any::<u8>()).prop_map(|(row, value)| Op::Replace(row, value)),
        2 => row.prop_map(Op::Delete),
        2 => (0..2_u8, any::<i8>()).prop_map(|(row, delta)| Op::Add(row, delta)),
        1 => (0..2_u8, 0..50_u8).prop_map(|(row, cost)| Op::Spend(row, cost)),
        3 => (0..3_u8, any::<u8>()).prop_map(|(log, value)| Op::Append(log, value)),
        1 => (0..3_u8, 0..20_u8).prop_map(|(log, before)| Op::Truncate(log, before)),
    ];
    prop_oneof![
        12 => one.clone(),
        3 => (one.clone(), one).prop_map(|(first, second)| Op::Both(Box::new(first), Box::new(second))),
        1 => Just(Op::Restart),
    ]
}

fn row(n: u8) -> Key {
    key(&format!("row {n}"))
}

fn counter(n: u8) -> Key {
    key(&format!("counter {n}"))
}

fn log(n: u8) -> Log {
    let retention = [Retention::Day, Retention::Month, Retention::Forever][usize::from(n)];
    Log { key: key(&format!("log {n}")), retention }
}

fn fill(batch: &mut Batch, op: &Op) {
    match op {
        Op::Put(n, value) => drop_ref(batch.put(row(*n), vec![*value])),
        Op::Create(n, value) => drop_ref(batch.absent(row(*n)).put(row(*n), vec![*value])),
        Op::Replace(n, value) => drop_ref(batch.present(row(*n)).put(row(*n), vec![*value])),
        Op::Delete(n) => drop_ref(batch.delete(row(*n))),
        Op::Add(n, delta) => drop_ref(batch.add(counter(*n), i64::from(*delta))),
        Op::Spend(n, cost) => {
            drop_ref(batch.at_least(counter(*n), i64::from(*cost)).add(counter(*n), -i64::from(*cost)));
        }
        Op::Append(n, value) => {
            batch.append(log(*n), vec![*value]);
        }
        Op::Truncate(n, before) => drop_ref(batch.truncate(log(*n), u64::from(*before))),
        Op::Both(first, second) => {
            fill(batch, first);
            fill(batch, second);
        }
        Op::Restart => {}
    }
}

fn drop_ref(_: &mut Batch) {}

/// What the store should be like, in the plainest way.
#[derive(Clone, Default, Debug, PartialEq)]
struct Model {
    rows: BTreeMap<u8, u8>,
    counters: BTreeMap<u8, i64>,
    logs: BTreeMap<u8, (u64, Vec<u8>)>,
}

impl Model {
    fn holds(&self, op: &Op) -> bool {
        match op {
            Op::Create(n, _) => !self.rows.contains_key(n),
            Op::Replace(n, _) => self.rows.contains_key(n),
            Op::Spend(n, cost) => self.counters.get(n).copied().unwrap_or(0) >= i64::from(*cost),
            Op::Both(first, second) => self.holds(first) && self.holds(second),
            Op::Put(..) | Op::Delete(_) | Op::Add(..) | Op::Append(..) | Op::Truncate(..) | Op::Restart => {
                true
            }
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Put(n, value) | Op::Create(n, value) | Op::Replace(n, value) => {
                self.rows.insert(*n, *value);
            }
            Op::Delete(n) => {
                self.rows.remove(n);
            }
            Op::Add(n, delta) => *self.counters.entry(*n).or_default() += i64::from(*delta),
            Op::Spend(n, cost) => *self.counters.entry(*n).or_default() -= i64::from(*cost),
            Op::Append(n, value) => self.logs.entry(*n).or_default().1.push(*value),
            Op::Truncate(n, before) => {
                let log = self.logs.entry(*n).or_default();
                log.0 = log.0.max(u64::from(*before).min(log.1.len() as u64));
            }
            Op::Both(first, second) => {
                // Appends get their offsets last, as truncations do, in order: the same as one after the other.
                self.apply(first);
                self.apply(second);
            }
            Op::Restart => {}
        }
    }

    fn of(store: &Store) -> Model {
        let snapshot = store.snapshot();
        let mut model = Model::default();
        for (_, stored) in snapshot.scan(all(), Order::Forward, 999).unwrap() {
            assert!(stored.pos <= snapshot.pos());
        }
        for n in 0..6 {
            if let Some(stored) = snapshot.get(&row(n)).unwrap() {
                model.rows.insert(n, stored.value[0]);
            }
        }
        for n in 0..2 {
            if snapshot.get(&counter(n)).unwrap().is_some() {
                model.counters.insert(n, snapshot.counter(&counter(n)).unwrap());
            }
        }
        for n in 0..3 {
            let head = snapshot.head(&log(n)).unwrap();
            let tail = snapshot.tail(&log(n)).unwrap();
            let records = snapshot.read(&log(n), 0, 999, 9999).unwrap();
            assert!(records.iter().map(|record| record.offset).eq(tail..head), "offsets are dense");
            let values =
                vec![0; tail as usize].into_iter().chain(records.iter().map(|record| record.value[0]));
            if head > 0 {
                model.logs.insert(n, (tail, values.collect()));
            }
        }
        model
    }

    /// With what no reader can see made equal.
    fn visible(mut self) -> Model {
        self.logs.retain(|_, (_, values)| !values.is_empty());
        for (tail, values) in self.logs.values_mut() {
            values[..*tail as usize].fill(0);
        }
        self
    }
}

/// Everything an engine was asked and has answered.
async fn run(engine: EngineKind, groups: &[Vec<Op>]) -> (Vec<String>, Vec<(Key, Bytes)>) {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let env = Arc::new(System::default());
        let spaces = vec![THINGS, OTHERS];
        Store::open(Options { spaces, engine: engine.clone(), ..Options::new(folder.path(), env) }).unwrap()
    };
    let mut store = open();
    let mut answers = Vec::new();
    let mut model = Model::default();
    for group in groups {
        // Together, so that some share a group of the store and some do not: the answers must not depend on it.
        let commits = group.iter().map(|op| {
            let mut batch = Batch::new();
            fill(&mut batch, op);
            store.commit(batch, ())
        });
        for (op, result) in group.iter().zip(join_all(commits).await) {
            let holds = model.holds(op);
            match result {
                // Not the positions: the housekeeping commits too, in its own time.
                Ok(durable) => answers.push(format!("offsets {:?}", durable.committed().offsets)),
                Err(Error::Refused(refusal)) => {
                    let Refusal { condition, current } = refusal.value();
                    answers.push(format!("{condition:?} {:?}", current.as_ref().map(|row| &row.value)));
                }
                Err(other) => panic!("{other:?}"),
            }
            assert_eq!(holds, answers.last().unwrap().starts_with("offsets"), "{op:?} on {engine:?}");
            if holds {
                model.apply(op);
            }
        }
        if group.iter().any(|op| matches!(op, Op::Restart)) {
            store.close().await;
            store = open();
        }
        assert_eq!(Model::of(&store).visible(), model.clone().visible(), "{engine:?}");
    }
    let rows = store.snapshot().scan(all(), Order::Backward, 999).unwrap();
    (answers, rows.into_iter().map(|(key, row)| (key, row.value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn engines_agree(groups in prop::collection::vec(prop::collection::vec(op(), 1..8), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let memory = run(EngineKind::Memory(Disk::new()), &groups).await;
            for engine in [EngineKind::Fjall, EngineKind::Redb] {
                assert_eq!(run(engine, &groups).await, memory);
            }
        });
    }
}
