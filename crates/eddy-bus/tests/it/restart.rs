//! What a new process finds.

use std::collections::BTreeSet;
use std::time::Duration;

use eddy_bus::{Dead, Outcome, Reason, RetryPolicy, State, Step};

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

/// AWS discards what became older than its maximum age in the queue, without an attempt, and says so: whoever looks for
/// it finds it among the failed ones, with its reason.
#[tokio::test]
async fn what_became_too_old_while_nobody_ran_is_given_up_unseen() {
    let policy = RetryPolicy { age_max: Duration::from_secs(3600), ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Now(failed("before"))).with_policy(policy).attached();
    let failing = world.event(&function("f"), "failing");
    world.happen(&failing).await;
    world.next().await;
    world.rest(Duration::from_secs(60)).await;
    // The server is off: what comes in has only just got to the disk.
    let world = world.restarted(|_| done());
    let waiting = world.event(&function("f"), "waiting");
    world.happen(&waiting).await;
    world.env.advance(Duration::from_secs(1));
    let young = world.event(&function("f"), "young");
    world.happen(&young).await;
    world.env.advance(Duration::from_secs(3599));

    let world = world.restarted(|_| done());
    let mut told = world.bus.progress();
    let mut world = world.attached();
    assert_eq!(world.next().await.delivery.event.id, young.id, "a second younger is young enough");
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
    let letters = world.bus.failed(&scope(), None, 10).unwrap().letters;
    let mut dead: Vec<_> = letters.into_iter().map(|letter| letter.dead).collect();
    dead.sort_by_key(|dead| dead.event.subject.clone());
    let words = |dead: &Dead| (dead.event.id, dead.reason, dead.error_type.clone(), dead.attempts.len());
    assert_eq!(
        dead.iter().map(words).collect::<Vec<_>>(),
        [
            (failing.id, Reason::Age, "ValueError".to_owned(), 1),
            (waiting.id, Reason::Age, "EventTooOld".to_owned(), 0),
        ]
    );
    assert_eq!(dead[1].message, "it waited longer than 3600 s");
    let mut deaths = Vec::new();
    while let Ok(progress) = told.try_recv() {
        if let Step::Dead { reason, .. } = progress.step {
            deaths.push((progress.subject, reason));
        }
    }
    deaths.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(deaths, [("failing".to_owned(), Reason::Age), ("waiting".to_owned(), Reason::Age)]);
}
