//! Batches: what they change, what refuses them, who hears of it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use eddy_base::{Code, Fault, Timestamp};
use eddy_store::{
    Batch, Error, Order, Pos, Refusal, Refused, Row, Store, Topic, Update, UpdateId, Verdict, testing,
};

use crate::{OTHERS, THINGS, all, batch, key};

const PUSH: UpdateId = UpdateId("test.push");
const BREAK: UpdateId = UpdateId("test.break");

/// Adds the arguments to the end of the row, up to 300 bytes.
fn push(old: Option<&Row>, args: &[u8], _: Pos, _: Timestamp) -> Verdict {
    let mut value = old.map_or(Vec::new(), |row| row.value.to_vec());
    value.extend_from_slice(args);
    match (args, value.len()) {
        (_, 301..) => Verdict::Refuse { reason: "full".into() },
        (b"", _) => Verdict::Keep { output: value.into() },
        _ => Verdict::Put { output: value.clone().into(), value: value.into() },
    }
}

fn open() -> Store {
    let updates =
        [Update { id: PUSH, apply: push }, Update { id: BREAK, apply: |_, _, _, _| panic!("on purpose") }];
    testing::open([THINGS, OTHERS], updates)
}

fn refusal(result: Result<impl std::fmt::Debug, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal.into_parts().0,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_commit_is_read_back_with_its_position() {
    let store = open();
    let durable = store.commit(batch(|b| b.put(key("a"), "1")), "answer").await.unwrap();
    assert_eq!(*durable.value(), "answer");
    let row = store.snapshot().get(&key("a")).unwrap().unwrap();
    assert_eq!(row, Row { pos: durable.pos(), value: Bytes::from("1") });
    let later = store.commit(batch(|b| b.delete(key("a"))), ()).await.unwrap();
    assert!(later.pos() > durable.pos());
    assert_eq!(store.snapshot().get(&key("a")).unwrap(), None);
}

#[tokio::test]
async fn conditions_refuse_with_the_row_in_the_way() {
    let store = open();
    let first = store.commit(batch(|b| b.absent(key("a")).put(key("a"), "1")), ()).await.unwrap();
    let current = Some(Row { pos: first.pos(), value: Bytes::from("1") });
    let refused: [(&str, Batch, Option<Row>); 4] = [
        ("absent", batch(|b| b.absent(key("a")).put(key("a"), "2")), current.clone()),
        ("present", batch(|b| b.present(key("b")).put(key("a"), "2")), None),
        ("at", batch(|b| b.at(key("a"), Pos(9999)).put(key("a"), "2")), current.clone()),
        ("at least", batch(|b| b.at_least(key("n"), 1).put(key("a"), "2")), None),
    ];
    for (name, batch, current) in refused {
        let refusal = refusal(store.commit(batch, ()).await);
        assert_eq!(refusal, Refusal { condition: Refused::Condition(0), current }, "{name}");
    }
    let holds = batch(|b| {
        b.present(key("a")).at(key("a"), first.pos()).at(key("b"), Pos::ZERO).at_least(key("n"), 0);
        b.put(key("a"), "2")
    });
    store.commit(holds, ()).await.unwrap();
}

#[tokio::test]
async fn a_condition_alone_is_a_read() {
    let store = open();
    let put = store.commit(batch(|b| b.put(key("a"), "1")), ()).await.unwrap();
    let read = store.commit(batch(|b| b.present(key("a"))), ()).await.unwrap();
    assert_eq!(read.pos(), put.pos());
    assert_eq!(store.snapshot().pos(), put.pos());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_adders_of_one_row_all_win() {
    let store = open();
    let adds = (0..64).map(|_| {
        let store = store.clone();
        async move {
            for _ in 0..20 {
                store.commit(batch(|b| b.add(key("n"), 1)), ()).await.unwrap();
            }
        }
    });
    let tasks: Vec<_> = adds.map(|add| store.env().spawn("add", Box::pin(add))).collect();
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(store.snapshot().counter(&key("n")).unwrap(), 64 * 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_creators_wins() {
    let store = open();
    let winners = Arc::new(Mutex::new(0));
    let creators = (0..50).map(|who| {
        let (store, winners) = (store.clone(), Arc::clone(&winners));
        async move {
            let create = batch(|b| b.absent(key("a")).put(key("a"), vec![who]));
            match store.commit(create, ()).await {
                Ok(_) => *winners.lock().unwrap() += 1,
                Err(Error::Refused(refusal)) => {
                    let (refusal, committed) = refusal.into_parts();
                    let current = refusal.current.unwrap();
                    assert!(committed.pos >= current.pos, "a refusal is as of its reason or later");
                    let seen = store.snapshot().get(&key("a")).unwrap();
                    assert_eq!(seen, Some(current), "the reason of a refusal is durable");
                }
                Err(other) => panic!("{other}"),
            }
        }
    });
    let tasks: Vec<_> = creators.map(|create| store.env().spawn("create", Box::pin(create))).collect();
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(*winners.lock().unwrap(), 1);
}

#[tokio::test]
async fn updates_are_decided_inside() {
    let store = open();
    let two = batch(|b| b.update(key("a"), PUSH, "x").update(key("a"), PUSH, "y").update(key("a"), PUSH, ""));
    let outputs = store.commit(two, ()).await.unwrap().into_parts().1.outputs;
    assert_eq!(outputs, ["x", "xy", "xy"]);

    let full = batch(|b| {
        b.put(key("b"), "not to be seen").update(key("a"), PUSH, "").update(key("a"), PUSH, vec![b'z'; 300])
    });
    let refusal = refusal(store.commit(full, ()).await);
    assert_eq!(refusal.condition, Refused::Update { index: 1, reason: "full".into() });
    assert_eq!(refusal.current.unwrap().value, "xy");
    assert_eq!(store.snapshot().get(&key("b")).unwrap(), None, "a refused batch leaves nothing");

    for (by, text) in [(BREAK, "test.break panicked"), (UpdateId("no.such"), "no update no.such")] {
        let result = store.commit(batch(|b| b.update(key("a"), by, "")), ()).await;
        assert!(matches!(&result, Err(Error::Fatal(what)) if what.contains(text)), "{result:?}");
    }
    store.commit(batch(|b| b.put(key("a"), "still here")), ()).await.unwrap();
}

#[tokio::test]
async fn a_batch_stays_in_its_cell() {
    let store = open();
    let other = OTHERS.key().text("elsewhere").cell().key();
    let two_cells = || batch(|b| b.put(key("a"), "1").put(other.clone(), "1"));
    let result = store.commit(two_cells(), ()).await;
    assert!(matches!(&result, Err(Error::Fatal(what)) if what.contains("two cells")), "{result:?}");
    let mut across = two_cells();
    across.across_cells();
    store.commit(across, ()).await.unwrap();
}

#[tokio::test]
async fn a_space_is_registered_or_refused() {
    let store = testing::open([OTHERS], []);
    let result = store.commit(batch(|b| b.put(key("a"), "1")), ()).await;
    assert!(matches!(&result, Err(Error::Fatal(what)) if what.contains("not registered")), "{result:?}");
    let result = store.record(batch(|b| b.put(key("a"), "1")));
    assert!(matches!(result, Err(Error::Fatal(_))), "{result:?}");
}

#[tokio::test]
async fn limits_are_told_with_their_number() {
    let store = open();
    let long = THINGS.key().cell().bytes(&vec![b'x'; eddy_store::KEY_BYTES_MAX]).key();
    let half = vec![0; eddy_store::VALUE_BYTES_MAX];
    let cases = [
        (batch(|b| b.put(long, "")), eddy_store::KEY_BYTES_MAX),
        (batch(|b| b.put(key("a"), vec![0; eddy_store::VALUE_BYTES_MAX + 1])), eddy_store::VALUE_BYTES_MAX),
        (
            batch(|b| (0..5).fold(b, |b, n| b.put(key(&n.to_string()), half.clone()))),
            eddy_store::BATCH_BYTES_MAX,
        ),
    ];
    for (batch, limit) in cases {
        match store.commit(batch, ()).await {
            Err(Error::TooLarge { limit_bytes }) => assert_eq!(limit_bytes, limit),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(Fault::from(Error::TooLarge { limit_bytes: 1 }).code, Code::TooLarge);
}

#[tokio::test]
async fn an_attempt_counts_once() {
    let store = open();
    let attempt = || batch(|b| b.add(key("n"), 1).update(key("a"), PUSH, "x").attempt([7; 16]));
    let first = store.commit(attempt(), ()).await.unwrap();
    let again = store.commit(attempt(), ()).await.unwrap();
    assert_eq!(first.committed(), again.committed());
    assert_eq!(store.snapshot().counter(&key("n")).unwrap(), 1);
}

#[tokio::test]
async fn scans_go_both_ways_in_pages() {
    let store = open();
    let names = ["a", "a\0", "a\0b", "ab", "b"];
    store.commit(batch(|b| names.iter().fold(b, |b, name| b.put(key(name), *name))), ()).await.unwrap();
    let snapshot = store.snapshot();
    let found = |range, order, max| -> Vec<Bytes> {
        snapshot.scan(range, order, max).unwrap().into_iter().map(|(_, row)| row.value).collect()
    };
    assert_eq!(found(all(), Order::Forward, 9), names);
    assert_eq!(found(all(), Order::Backward, 2), ["b", "ab"]);
    assert_eq!(found(all().after(&key("a\0")), Order::Forward, 2), ["a\0b", "ab"]);
    assert_eq!(found(all().until(&key("a\0")), Order::Forward, 9), ["a"]);
    let begins_with_a = THINGS.key().text("cell").cell().text_prefix("a");
    assert_eq!(found(begins_with_a.clone(), Order::Forward, 9), names[..4]);
    assert_eq!(found(all().beyond(&begins_with_a), Order::Forward, 9), ["b"]);
    assert!(found(all().after(&key("z")).until(&key("a")), Order::Forward, 9).is_empty());
}

#[tokio::test]
async fn rows_past_their_time_are_hidden() {
    let store = open();
    let now = store.env().now();
    let later = now.plus(std::time::Duration::from_secs(3600));
    let put = batch(|b| b.put_until(key("gone"), "1", now).put_until(key("here"), "1", later));
    store.commit(put, ()).await.unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get(&key("gone")).unwrap(), None);
    assert_eq!(snapshot.scan(all(), Order::Forward, 9).unwrap().len(), 1);
    store.commit(batch(|b| b.absent(key("gone")).present(key("here"))), ()).await.unwrap();
}

#[tokio::test]
async fn followers_see_every_commit_of_their_space_in_order() {
    let store = open();
    store.commit(batch(|b| b.put(key("before"), "1")), ()).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let fold = Arc::clone(&seen);
    let (snapshot, follower) = store.follow_from(THINGS, move |applied| {
        fold.lock().unwrap().push((applied.pos, applied.rows.clone()));
    });
    assert!(snapshot.get(&key("before")).unwrap().is_some());
    let put = store.commit(batch(|b| b.put(key("a"), "1").put(key("a"), "2")), ()).await.unwrap();
    let elsewhere = OTHERS.key().cell().key();
    store.commit(batch(|b| b.put(elsewhere, "1")), ()).await.unwrap();
    let delete = store.commit(batch(|b| b.delete(key("a"))), ()).await.unwrap();
    let row = Row { pos: put.pos(), value: Bytes::from("2") };
    assert_eq!(
        *seen.lock().unwrap(),
        [(put.pos(), vec![(key("a"), Some(row))]), (delete.pos(), vec![(key("a"), None)])]
    );
    drop(follower);
    store.commit(batch(|b| b.put(key("a"), "3")), ()).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn watches_wake_for_their_topic() {
    let store = open();
    let mut row = store.watch(Topic::of_key(&key("a")));
    let mut cell = store.watch(Topic::of_cell(&key("a").cell()));
    let mut other = store.watch(Topic::of_key(&key("b")));
    store.commit(batch(|b| b.put(key("a"), "1")), ()).await.unwrap();
    store.commit(batch(|b| b.put(key("a"), "2")), ()).await.unwrap();
    row.changed().await;
    cell.changed().await;
    tokio::select! {
        biased;
        () = other.changed() => panic!("b did not change"),
        () = row.changed() => panic!("two changes are one wake-up"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn records_join_the_next_group_or_go_alone() {
    let store = open();
    store.record(batch(|b| b.put(key("line"), "1"))).unwrap();
    store.commit(batch(|b| b.put(key("a"), "1")), ()).await.unwrap();
    assert!(store.snapshot().get(&key("line")).unwrap().is_some());
    let mut watch = store.watch(Topic::of_key(&key("line")));
    store.record(batch(|b| b.put(key("line"), "2"))).unwrap();
    watch.changed().await;
    assert_eq!(store.snapshot().get(&key("line")).unwrap().unwrap().value, "2");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let store = open();
    let clone = store.clone();
    clone.record(batch(|b| b.put(key("line"), "1"))).unwrap();
    store.close().await;
    assert!(clone.snapshot().get(&key("line")).unwrap().is_some(), "what was recorded is drained");
    let result = clone.commit(batch(|b| b.put(key("a"), "1")), ()).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
}
