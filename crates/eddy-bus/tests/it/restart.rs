//! What a new process finds.

use std::collections::BTreeSet;
use std::time::Duration;

use eddy_bus::{Outcome, State};

use crate::world::{Answer, World, bucket, done, everything, failed, function, scope, subscription};

#[tokio::test]
async fn what_waited_is_delivered_after_a_restart() {
    let world = World::new(|_| done());
    let source = bucket("kept");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    world.happen(&world.event(&source, "1")).await;
    world.happen(&world.event(&function("f"), "")).await;
    let mut world = world.restarted(|_| done()).attached();
    let mut subjects = BTreeSet::new();
    subjects.insert(world.next().await.delivery.event.subject);
    subjects.insert(world.next().await.delivery.event.subject);
    assert_eq!(subjects, BTreeSet::from([String::new(), "1".to_owned()]));
    world.bus.settled().await;

    // And what was delivered is not delivered again.
    let mut world = world.restarted(|_| done()).attached();
    world.happen(&world.event(&source, "2")).await;
    assert_eq!(world.next().await.delivery.event.subject, "2");
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
}

#[tokio::test]
async fn retries_keep_their_time_and_their_count() {
    let mut world = World::new(|_| Answer::Now(failed("before"))).attached();
    let event = world.event(&function("f"), "");
    world.happen(&event).await;
    world.next().await;
    world.rest(Duration::from_secs(60)).await;
    world.env.advance(Duration::from_secs(20));

    let mut world = world.restarted(|_| Answer::Now(failed("after"))).attached();
    world.rest(Duration::from_secs(40)).await;
    world.env.advance(Duration::from_secs(40));
    let seen = world.next().await;
    assert_eq!((seen.delivery.attempt, seen.delivery.event.id), (2, event.id));
    world.rest(Duration::from_secs(120)).await;

    // One that comes due while nobody runs is delivered at once.
    world.env.advance(Duration::from_secs(500));
    let mut world = world.restarted(|_| Answer::Now(failed("last"))).attached();
    assert_eq!(world.next().await.delivery.attempt, 3);
    world.bus.settled().await;
    let letter = world.bus.failed(&scope(), None, 1).unwrap().letters.remove(0);
    let messages: Vec<_> =
        letter.dead.attempts.iter().map(|attempt| attempt.failure.clone().unwrap().message).collect();
    assert_eq!(messages, ["before", "after", "last"]);
}

#[tokio::test]
async fn what_was_on_its_way_comes_again() {
    let mut world = World::new(|delivery| match delivery.event.subject.as_str() {
        "slow" => Answer::Later,
        _ => done(),
    })
    .attached();
    let source = bucket("cut");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    let events = ["a", "slow", "b"].map(|subject| world.event(&source, subject));
    for event in &events {
        world.happen(event).await;
    }
    for _ in 0..3 {
        world.next().await;
    }
    // The quick ones are written down before the clock moves.
    for quick in [&events[0], &events[2]] {
        let is_ended = |told: &eddy_bus::Told| matches!(told.state, State::Ended { .. });
        world.until(|bus| bus.event(quick.id).is_ok_and(|story| story.deliveries.iter().all(is_ended))).await;
    }
    let drained = {
        let drain = world.bus.drain(Duration::from_secs(10));
        tokio::pin!(drain);
        tokio::select! {
            biased;
            _ = &mut drain => panic!("something still runs"),
            _ = world.env.asleep_for(Duration::from_secs(10)) => {}
        }
        world.env.advance(Duration::from_secs(10));
        drain.await
    };
    assert_eq!((drained.waiting, drained.retrying, drained.cut_short), (0, 0, 1));

    let mut world = world.restarted(|_| done()).attached();
    assert_eq!(world.next().await.delivery.event.subject, "slow");
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
}

#[tokio::test]
async fn nothing_new_starts_while_draining() {
    let mut world = World::new(|_| Answer::Later).attached();
    world.happen(&world.event(&function("f"), "")).await;
    let seen = world.next().await;
    let bus = world.bus.clone();
    let (env, drain) = (world.env.clone(), async move { bus.drain(Duration::from_secs(10)).await });
    let later = async {
        env.asleep_for(Duration::from_secs(10)).await;
        world.happen(&world.event(&function("f"), "")).await;
        seen.answer.unwrap().send(Outcome::Done).unwrap();
    };
    let (drained, ()) = tokio::join!(drain, later);
    assert_eq!((drained.waiting, drained.cut_short), (1, 0));
    assert!(world.seen.try_recv().is_err());
}

#[tokio::test]
async fn closed_subscriptions_end_after_a_restart_too() {
    let world = World::new(|_| done());
    let source = bucket("closed");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    world.happen(&world.event(&source, "1")).await;
    world.subscribe(&source, vec![subscription("t", everything())]).await;
    world.happen(&world.event(&source, "2")).await;
    let mut world = world.restarted(|_| done()).attached();
    let mut seen = [world.next().await, world.next().await];
    seen.sort_by_key(|seen| seen.delivery.event.subject.clone());
    assert_eq!(seen[0].delivery.subscription, "s");
    assert_eq!(seen[1].delivery.subscription, "t");
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
}
