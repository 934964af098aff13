//! Who gets what when the set of subscriptions changes.

use eddy_bus::Filter;

use crate::world::{Answer, Seen, World, bucket, counts, done, everything, subscription};
use eddy_bus::Outcome;

fn prefixed(prefix: &str) -> Filter {
    Filter { prefix: prefix.into(), ..everything() }
}

async fn take(world: &mut World, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(world.next().await);
    }
    seen
}

fn pairs(seen: &[Seen]) -> Vec<(String, String)> {
    let pair = |seen: &Seen| (seen.delivery.event.subject.clone(), seen.delivery.subscription.clone());
    let mut pairs: Vec<_> = seen.iter().map(pair).collect();
    pairs.sort();
    pairs
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(subject, id)| ((*subject).to_owned(), (*id).to_owned())).collect()
}

#[tokio::test]
async fn each_subscriber_has_its_own_filter_and_position() {
    let mut world = World::new(|_| done()).attached();
    let source = bucket("shared");
    let both = vec![subscription("a", prefixed("a/")), subscription("b", everything())];
    world.subscribe(&source, both.clone()).await;
    assert_eq!(world.bus.subscriptions(&source), both);
    for subject in ["a/1", "b/1", "a/2"] {
        world.happen(&world.event(&source, subject)).await;
    }
    let seen = take(&mut world, 5).await;
    let all = [("a/1", "a"), ("a/1", "b"), ("a/2", "a"), ("a/2", "b"), ("b/1", "b")];
    assert_eq!(pairs(&seen), expected(&all));
    world.bus.settled().await;
}

#[tokio::test]
async fn a_new_subscriber_gets_what_comes_and_an_old_one_what_came() {
    // Nothing is delivered while the set changes, so that everything waits.
    let mut world = World::new(|_| done());
    let source = bucket("changing");
    world
        .subscribe(&source, vec![subscription("old", everything()), subscription("stays", everything())])
        .await;
    world.happen(&world.event(&source, "1")).await;
    world
        .subscribe(&source, vec![subscription("stays", prefixed("")), subscription("new", everything())])
        .await;
    world.happen(&world.event(&source, "2")).await;
    world.subscribe(&source, vec![]).await;
    assert_eq!(world.bus.subscriptions(&source), []);
    let mut nothing = eddy_store::Batch::new();
    let staged = world.bus.stage(&mut nothing, &world.event(&source, "3"));
    assert_eq!(staged, eddy_bus::Staged::Nobody);

    world = world.attached();
    let seen = take(&mut world, 4).await;
    assert_eq!(pairs(&seen), expected(&[("1", "old"), ("1", "stays"), ("2", "new"), ("2", "stays")]));
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
}

#[tokio::test]
async fn closed_subscriptions_leave_nothing_behind() {
    let mut world = World::new(|_| done()).attached();
    let source = bucket("brief");
    for round in 0..20 {
        world.subscribe(&source, vec![subscription("s", everything())]).await;
        world.happen(&world.event(&source, &round.to_string())).await;
        world.next().await;
        world.subscribe(&source, vec![]).await;
    }
    // A subscription that is made anew under the same id is another one, and the old ones go.
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    world.happen(&world.event(&source, "last")).await;
    let seen = world.next().await;
    assert_eq!(seen.delivery.event.subject, "last");
    let story = loop {
        world.happen(&world.event(&source, "beat")).await;
        let seen = world.next().await;
        let rows = world.store.snapshot().scan(eddy_bus::SPACE.range(), eddy_store::Order::Forward, 100_000);
        // One set, one position, and the ends of what was delivered.
        let positions = rows.unwrap().iter().filter(|(key, _)| is_position(key)).count();
        if positions == 1 {
            break seen;
        }
    };
    assert_eq!(story.delivery.event.subject, "beat");
    world.bus.settled().await;
}

fn is_position(key: &eddy_store::Key) -> bool {
    let mut row = key.reader();
    row.skip_cell();
    row.u8() == Ok(1) && key.reader().u8() == Ok(1)
}

#[tokio::test]
async fn another_filter_under_the_same_id_keeps_the_position() {
    let mut world = World::new(|_| done()).attached();
    let source = bucket("edited");
    world.subscribe(&source, vec![subscription("s", prefixed("a"))]).await;
    world.happen(&world.event(&source, "a1")).await;
    world.next().await;
    world.subscribe(&source, vec![subscription("s", prefixed("b"))]).await;
    for subject in ["a2", "b1"] {
        world.happen(&world.event(&source, subject)).await;
    }
    assert_eq!(counts(&take(&mut world, 1).await).keys().collect::<Vec<_>>(), ["b1"]);
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
}

#[tokio::test]
async fn a_busy_subscriber_does_not_slow_another() {
    let slow = |delivery: &eddy_bus::Delivery| {
        if delivery.subscription == "slow" { Answer::Later } else { done() }
    };
    let mut world = World::new(slow).attached();
    let source = bucket("uneven");
    world
        .subscribe(&source, vec![subscription("slow", everything()), subscription("quick", everything())])
        .await;
    for number in 0..40 {
        world.happen(&world.event(&source, &number.to_string())).await;
    }
    // 16 wait with the slow one; the quick one is through.
    let seen = take(&mut world, 40 + eddy_bus::limits::PARALLEL_MAX).await;
    let quick = seen.iter().filter(|seen| seen.delivery.subscription == "quick").count();
    assert_eq!(quick, 40);
    for seen in seen {
        if let Some(answer) = seen.answer {
            answer.send(Outcome::Done).unwrap();
        }
    }
    for _ in eddy_bus::limits::PARALLEL_MAX..40 {
        world.next().await.answer.unwrap().send(Outcome::Done).unwrap();
    }
    world.bus.settled().await;
}
