//! From an event to its target, and back with how it went.

use std::time::Duration;

use eddy_base::Cause;
use eddy_base::Timestamp;
use eddy_bus::{End, Filter, Outcome, Reason, RetryPolicy, State, Step};
use eddy_store::Batch;

use crate::world::{
    Answer, START, World, bucket, counts, done, everything, failed, function, put_back, scope, subscription,
};

#[tokio::test]
async fn an_event_reaches_its_subscriber_in_its_shape() {
    let mut world = World::new(|_| done()).attached();
    let source = bucket("photos");
    world.subscribe(&source, vec![subscription("copy", everything())]).await;
    let event = world.event(&source, "年度 报告+1.txt");
    world.happen(&event).await;

    let delivery = world.next().await.delivery;
    assert_eq!(delivery.event, event);
    assert_eq!(delivery.payload, "年度 报告+1.txt=data");
    assert_eq!((delivery.attempt, delivery.attempts_max), (1, 3));
    assert_eq!(delivery.subscription, "copy");
    assert_eq!(world.drained().await, eddy_bus::Drained::default());
}

#[tokio::test]
async fn an_asynchronous_invocation_needs_no_subscription() {
    let mut world = World::new(|_| done()).attached();
    for _ in 0..3 {
        let event = world.event(&function("hello"), "");
        world.happen(&event).await;
        let seen = world.next().await;
        assert_eq!(seen.delivery.payload, "data");
        assert_eq!(seen.delivery.event.id, event.id);
    }
    world.bus.settled().await;
}

#[tokio::test]
async fn nobody_is_told_of_what_nobody_wants() {
    let world = World::new(|_| done()).attached();
    let mut batch = Batch::new();
    let event = world.event(&bucket("quiet"), "a");
    assert_eq!(world.bus.stage(&mut batch, &event), eddy_bus::Staged::Nobody);
    assert!(batch.is_empty());
}

#[tokio::test]
async fn failures_come_again_on_time_and_end_as_a_dead_letter() {
    let mut world =
        World::new(|delivery| Answer::Now(failed(&format!("no {}", delivery.attempt)))).attached();
    let mut progress = world.bus.progress();
    let event = world.event(&function("broken"), "");
    world.happen(&event).await;
    let mut starts = Vec::new();
    for (attempt, pause) in [(1, 60), (2, 120), (3, 0)] {
        let seen = world.next().await;
        assert_eq!((seen.delivery.attempt, seen.delivery.attempts_max), (attempt, 3));
        starts.push(seen.at.seconds() - START);
        let step = progress.recv().await.unwrap();
        assert_eq!((step.event, step.attempt), (event.id, attempt));
        if pause > 0 {
            let due = seen.at.plus(Duration::from_secs(pause));
            let (error_type, message) = ("ValueError".into(), format!("no {attempt}"));
            assert_eq!(step.step, Step::Failed { error_type, message, due });
            world.rest(Duration::from_secs(pause)).await;
            // It is not early by a millisecond.
            world.env.advance(Duration::from_secs(pause) - Duration::from_millis(1));
            world.rest(Duration::from_millis(1)).await;
            assert!(world.seen.try_recv().is_err());
            world.env.advance(Duration::from_millis(1));
        } else {
            let (error_type, message) = ("ValueError".into(), "no 3".into());
            assert_eq!(step.step, Step::Dead { reason: Reason::Retries, error_type, message });
        }
    }
    assert_eq!(starts, [0, 60, 180]);
    world.bus.settled().await;

    let page = world.bus.failed(&scope(), None, 10).unwrap();
    let [letter] = &page.letters[..] else { panic!("{page:?}") };
    let dead = &letter.dead;
    assert_eq!((dead.event.clone(), dead.reason), (event, Reason::Retries));
    assert_eq!((dead.error_type.as_str(), dead.message.as_str()), ("ValueError", "no 3"));
    assert_eq!(
        (dead.code_version.as_deref(), dead.trace.as_deref()),
        (Some("$LATEST"), Some("Traceback: ..."))
    );
    assert_eq!(dead.attempts.len(), 3);
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn a_subscription_may_have_its_own_pace() {
    let mut world = World::new(|_| Answer::Now(failed("no"))).attached();
    let source = bucket("quick");
    let quick = eddy_bus::Subscription { retry_base_ms: Some(500), ..subscription("quick", everything()) };
    world.subscribe(&source, vec![quick]).await;
    world.happen(&world.event(&source, "a")).await;
    world.next().await;
    world.rest(Duration::from_millis(500)).await;
    world.env.advance(Duration::from_millis(500));
    world.next().await;
    world.rest(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_target_may_want_no_retries() {
    let policy = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Now(failed("once"))).with_policy(policy).attached();
    let event = world.event(&function("once"), "");
    world.happen(&event).await;
    let seen = world.next().await;
    assert_eq!(seen.delivery.attempts_max, 1);
    world.bus.settled().await;
    assert_eq!(world.bus.failed(&scope(), None, 10).unwrap().letters.len(), 1);
}

#[tokio::test]
async fn what_is_put_back_does_not_count_and_dies_of_age() {
    let policy = RetryPolicy { age_max: Duration::from_secs(60), ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Now(put_back())).with_policy(policy).attached();
    let event = world.event(&function("busy"), "");
    world.happen(&event).await;
    let mut probes = 0;
    while world.bus.failed(&scope(), None, 10).unwrap().letters.is_empty() {
        if let Ok(seen) = world.seen.try_recv() {
            assert_eq!(seen.delivery.attempt, 1);
            probes += 1;
        }
        tokio::task::yield_now().await;
        world.env.advance(Duration::from_millis(100));
    }
    assert!((2..40).contains(&probes), "{probes} probes in a minute");
    let letter = world.bus.failed(&scope(), None, 10).unwrap().letters.remove(0);
    assert_eq!((letter.dead.reason, letter.dead.error_type.as_str()), (Reason::Age, "EventTooOld"));
    assert_eq!(letter.dead.message, "it waited longer than 60 s: too many at once");
    assert_eq!(letter.dead.attempts, []);
}

#[tokio::test]
async fn a_chain_in_circles_ends_after_16_hops() {
    let mut world = World::new(|_| done()).attached();
    let mut event = world.event(&function("loop"), "");
    event.cause = Cause { hops: 15, ..event.cause };
    world.happen(&event).await;
    assert_eq!(world.next().await.delivery.event.id, event.id);

    let mut last = world.event(&function("loop"), "");
    last.cause = Cause { hops: 16, ..event.cause };
    world.happen(&last).await;
    world.bus.settled().await;
    assert!(world.seen.try_recv().is_err());
    let letter = world.bus.failed(&scope(), None, 10).unwrap().letters.remove(0);
    assert_eq!((letter.dead.event.id, letter.dead.reason), (last.id, Reason::Hops));
    let text = format!("16 events caused one another since request {}", last.cause.root);
    assert_eq!(letter.dead.message, text);
}

#[tokio::test]
async fn what_cannot_be_shaped_or_has_no_target_is_dead_at_once() {
    let mut world = World::new(|_| Answer::Now(Outcome::Gone { message: "no function".into() })).attached();
    let source = bucket("odd");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    world.happen(&world.event(&source, "unshapely")).await;
    world.happen(&world.event(&source, "shapely")).await;
    assert_eq!(world.next().await.delivery.event.subject, "shapely");
    world.bus.settled().await;
    let letters = world.bus.failed(&scope(), None, 10).unwrap().letters;
    let mut told: Vec<_> =
        letters.iter().map(|letter| (letter.dead.reason, &letter.dead.message[..])).collect();
    told.sort_by_key(|(reason, _)| *reason != Reason::Shape);
    assert_eq!(
        told,
        [
            (Reason::Shape, "no document could be made of it: it has no shape"),
            (Reason::Gone, "its target is gone: no function"),
        ]
    );
}

#[tokio::test]
async fn a_panic_of_the_target_is_put_back() {
    let panics = |delivery: &eddy_bus::Delivery| {
        if delivery.lease.grant == 1 { Answer::Panic } else { done() }
    };
    let mut world = World::new(panics).attached();
    let event = world.event(&function("panics"), "");
    world.happen(&event).await;
    world.next().await;
    let span = world.env.asleep().await;
    assert!(span <= Duration::from_secs(1));
    world.env.advance(span);
    assert_eq!(world.next().await.delivery.attempt, 1);
    world.bus.settled().await;
}

#[tokio::test]
async fn deliveries_run_side_by_side_up_to_a_bound() {
    let policy = RetryPolicy { parallel_max: 3, ..RetryPolicy::default() };
    let mut world = World::new(|_| Answer::Later).with_policy(policy).attached();
    for _ in 0..5 {
        world.happen(&world.event(&function("slow"), "")).await;
    }
    let mut running = vec![world.next().await, world.next().await, world.next().await];
    world.rest(eddy_bus::limits::LEASE).await;
    assert!(world.seen.try_recv().is_err());
    // One ends, the next one starts.
    running.remove(1).answer.unwrap().send(Outcome::Done).unwrap();
    running.push(world.next().await);
    assert!(world.seen.try_recv().is_err());
    for seen in running {
        seen.answer.unwrap().send(Outcome::Done).unwrap();
    }
    world.next().await.answer.unwrap().send(Outcome::Done).unwrap();
    world.bus.settled().await;
}

#[tokio::test]
async fn a_lease_that_runs_out_gives_the_event_to_another_attempt() {
    let mut world =
        World::new(|delivery| if delivery.lease.grant == 1 { Answer::Later } else { done() }).attached();
    let event = world.event(&function("stuck"), "");
    world.happen(&event).await;
    let stuck = world.next().await;
    world.rest(eddy_bus::limits::LEASE).await;
    world.env.advance(eddy_bus::limits::LEASE);
    let span = world.env.asleep().await;
    world.env.advance(span);
    assert_eq!(world.next().await.delivery.event.id, event.id);
    world.bus.settled().await;
    // The first attempt was cut short; nobody listens to it any more.
    assert!(stuck.answer.unwrap().send(failed("late")).is_err());
    let story = world.bus.event(event.id).unwrap();
    let at = world.now();
    assert_eq!(story.deliveries[0].state, State::Ended { end: End::Delivered, at });
    assert_eq!(story.deliveries[0].put_backs, 1);
}

#[tokio::test]
async fn one_failing_event_holds_up_nothing() {
    let script = |delivery: &eddy_bus::Delivery| match delivery.event.subject.as_str() {
        "bad" => Answer::Now(failed("bad")),
        _ => done(),
    };
    let mut world = World::new(script).attached();
    let source = bucket("mixed");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    for subject in ["1", "bad", "2", "3", "bad", "4"] {
        world.happen(&world.event(&source, subject)).await;
    }
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(world.next().await);
    }
    let drained = world.drained().await;
    assert_eq!((drained.waiting, drained.retrying, drained.cut_short), (0, 2, 0));
}

#[tokio::test]
async fn ten_thousand_queued_events_arrive_once_each() {
    const EVENTS: usize = 10_000;
    let mut world = World::new(|_| done());
    let source = bucket("many");
    world.subscribe(&source, vec![subscription("s", Filter { suffix: ".jpg".into(), ..everything() })]).await;
    let mut batch = Batch::new();
    for number in 0..EVENTS {
        let suffix = if number % 10 == 0 { "png" } else { "jpg" };
        world.bus.stage(&mut batch, &world.event(&source, &format!("{number}.{suffix}")));
        if number % 1_000 == 999 {
            world.store.commit(std::mem::take(&mut batch), ()).await.unwrap();
        }
    }
    world = world.attached();
    let mut seen = Vec::new();
    while seen.len() < EVENTS / 10 * 9 {
        seen.push(world.next().await);
    }
    let drained = world.drained().await;
    assert_eq!(drained, eddy_bus::Drained::default());
    assert!(world.seen.try_recv().is_err());
    let counts = counts(&seen);
    assert_eq!(counts.len(), seen.len());
    assert!(counts.values().all(|count| *count == 1));
    assert!(seen.iter().all(|seen| seen.at == Timestamp::from_seconds(START)));
}

/// What a function says of its failure is the function's to choose, and must not keep others from being written down.
#[tokio::test]
async fn a_failure_that_says_too_much_is_cut() {
    let mut world = World::new(|_| {
        let much = "E".repeat(6 * 1024 * 1024);
        Answer::Now(Outcome::Failed {
            error_type: much.clone(),
            message: much.clone(),
            trace: Some(much),
            code_version: "$LATEST".into(),
        })
    })
    .with_policy(RetryPolicy { retries: 0, ..RetryPolicy::default() })
    .attached();
    let mut progress = world.bus.progress();
    let event = world.event(&function("loud"), "");
    world.happen(&event).await;
    world.next().await;
    let limit = tokio::time::Duration::from_secs(20);
    #[expect(clippy::disallowed_methods, reason = "a test that hangs should fail")]
    let settled = tokio::time::timeout(limit, world.bus.settled()).await;
    settled.expect("what was delivered is written down");
    let letters = world.bus.failed(&scope(), None, 9).unwrap().letters;
    let [letter] = &letters[..] else { panic!("{} letters", letters.len()) };
    let failure = letter.dead.attempts[0].failure.as_ref().unwrap();
    assert!(failure.error_type.len() < 2048 && letter.dead.error_type.len() < 2048);
    let told = progress.recv().await.unwrap();
    let Step::Dead { error_type, message, .. } = told.step else { panic!("{:?}", told.step) };
    assert!(error_type.len() < 2048 && message.len() < 8192);
}
