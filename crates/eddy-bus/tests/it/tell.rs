//! Asking afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eddy_base::{Code, Id};
use eddy_bus::{End, Filter, Reason, RetryPolicy, State, WhyNot};
use eddy_store::Batch;

use crate::world::{Answer, World, bucket, done, everything, failed, function, scope, subscription};

/// The index is written without waiting; a commit behind it takes it along.
async fn settle_index(world: &World) {
    world.bus.settled().await;
    let mut batch = Batch::new();
    world.bus.stage(&mut batch, &world.event(&function("other"), ""));
    world.store.commit(batch, ()).await.expect("the store commits");
}

#[tokio::test]
async fn the_story_of_an_event_names_every_subscriber_and_why_not() {
    let script = |delivery: &eddy_bus::Delivery| match delivery.subscription.as_str() {
        "works" => done(),
        _ => Answer::Now(failed("broken")),
    };
    let mut world = World::new(script).attached();
    let source = bucket("told");
    let subscriptions = vec![
        subscription("works", everything()),
        subscription("fails", everything()),
        subscription("other", Filter { suffix: ".png".into(), ..everything() }),
    ];
    world.subscribe(&source, subscriptions).await;
    let event = world.event(&source, "a.jpg");
    world.happen(&event).await;
    world.next().await;
    world.next().await;
    settle_index(&world).await;

    let story = world.bus.event(event.id).unwrap();
    assert_eq!(story.event, event);
    assert_eq!(story.accepted, event.at);
    let state = |id: &str| {
        let told = story.deliveries.iter().find(|told| told.subscription == id).unwrap();
        (told.state.clone(), told.attempts.len())
    };
    let now = world.now();
    assert_eq!(state("works"), (State::Ended { end: End::Delivered, at: now }, 1));
    assert_eq!(state("fails"), (State::Retrying { due: now.plus(Duration::from_secs(60)) }, 1));
    let why = WhyNot::Suffix { subject: "a.jpg".into(), wanted: ".png".into() };
    assert_eq!(state("other"), (State::NotWanted(why), 0));
    assert_eq!(story.letters, []);
}

#[tokio::test]
async fn an_unknown_event_is_said_to_be_unknown() {
    let world = World::new(|_| done()).attached();
    let id = Id::from_bytes([4; 16]);
    assert_eq!(world.bus.event(id).unwrap_err().code, Code::Missing);
    assert_eq!(world.bus.resend(id).await.unwrap_err().code, Code::Missing);
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_once_and_only_to_who_gave_it_up() {
    let is_fixed = Arc::new(AtomicBool::new(false));
    let fixed = Arc::clone(&is_fixed);
    let script = move |delivery: &eddy_bus::Delivery| match delivery.subscription.as_str() {
        "broken" if !fixed.load(Ordering::SeqCst) => Answer::Now(failed("not yet")),
        _ => done(),
    };
    let policy = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let mut world = World::new(script).with_policy(policy).attached();
    let source = bucket("again");
    world
        .subscribe(&source, vec![subscription("broken", everything()), subscription("fine", everything())])
        .await;
    let event = world.event(&source, "a");
    world.happen(&event).await;
    world.next().await;
    world.next().await;
    wait_for_letter(&world, event.id).await;

    is_fixed.store(true, Ordering::SeqCst);
    let sent = world.bus.resend(event.id).await.unwrap();
    assert_eq!(*sent.value(), 1);
    let seen = world.next().await;
    assert_eq!((seen.delivery.subscription.as_str(), seen.delivery.event.id), ("broken", event.id));
    assert_eq!(world.bus.resend(event.id).await.unwrap_err().code, Code::Conflict);
    settle_index(&world).await;
    assert!(world.seen.try_recv().is_err());

    let story = world.bus.event(event.id).unwrap();
    let mut ends: Vec<_> =
        story.deliveries.iter().map(|told| (&told.subscription[..], &told.state)).collect();
    ends.sort_by_key(|(id, _)| *id);
    let at = world.now();
    let (dead, delivered) = (End::Dead(Reason::Retries), End::Delivered);
    assert_eq!(
        ends,
        [
            ("broken", &State::Ended { end: dead, at }),
            ("broken", &State::Ended { end: delivered, at }),
            ("fine", &State::Ended { end: delivered, at }),
        ]
    );
    assert_eq!(story.letters[0].resent, Some(at));
}

#[tokio::test]
async fn what_fails_again_is_another_dead_letter() {
    let policy = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Now(failed("still"))).with_policy(policy).attached();
    let event = world.event(&function("f"), "");
    world.happen(&event).await;
    for round in 1..=3 {
        world.next().await;
        wait_for_letters(&world, event.id, round).await;
        world.bus.resend(event.id).await.unwrap();
    }
    world.next().await;
    world.bus.settled().await;
    let page = world.bus.failed(&scope(), None, 10).unwrap();
    assert_eq!(page.letters.iter().filter(|letter| letter.resent.is_some()).count(), 3);
    assert_eq!(page.letters.len(), 4);
}

#[tokio::test]
async fn a_letter_whose_subscription_is_gone_stays() {
    let policy = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Now(failed("no"))).with_policy(policy).attached();
    let source = bucket("orphan");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    let event = world.event(&source, "a");
    world.happen(&event).await;
    world.next().await;
    wait_for_letter(&world, event.id).await;
    world.subscribe(&source, vec![]).await;
    assert_eq!(world.bus.resend(event.id).await.unwrap_err().code, Code::Conflict);
    // A new one of the same id is its heir.
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    world.bus.resend(event.id).await.unwrap();
    assert_eq!(world.next().await.delivery.event.id, event.id);
}

#[tokio::test]
async fn dead_letters_come_in_pages_the_newest_first() {
    let policy = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Now(failed("no"))).with_policy(policy).attached();
    let mut ids = Vec::new();
    for _ in 0..7 {
        let event = world.event(&function("f"), "");
        world.happen(&event).await;
        world.next().await;
        wait_for_letter(&world, event.id).await;
        ids.push(event.id);
    }
    ids.reverse();
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = world.bus.failed(&scope(), before, 3).unwrap();
        assert!(page.letters.len() <= 3);
        found.extend(page.letters.iter().map(|letter| letter.dead.event.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(found, ids);
}

#[tokio::test]
async fn events_are_found_by_id_after_a_restart() {
    let world = World::new(|_| done());
    let event = world.event(&function("f"), "");
    world.happen(&event).await;
    let mut world = world.restarted(|_| done()).attached();
    world.next().await;
    settle_index(&world).await;
    assert_eq!(world.bus.event(event.id).unwrap().event, event);
}

async fn wait_for_letter(world: &World, id: Id) {
    wait_for_letters(world, id, 1).await;
}

/// Waits until the event has this many dead letters that are found by its id.
async fn wait_for_letters(world: &World, id: Id, count: usize) {
    world.until(|bus| bus.event(id).is_ok_and(|story| story.letters.len() >= count)).await;
}
