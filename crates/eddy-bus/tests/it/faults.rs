//! Fail the n-th durable operation for n = 1, 2, 3, ... until a run meets no fault, and hold what was acknowledged
//! against what was delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use eddy_base::env::Manual;
use eddy_base::{Code, Timestamp};
use eddy_bus::{Delivery, Filter, RetryPolicy};
use eddy_store::Batch;
use eddy_store::testing::{self, Disk, Fault};

use crate::world::{Answer, START, World, bucket, done, everything, failed, function, scope, subscription};

/// Successes of each event, as the target saw them over all restarts.
type Ledger = Mutex<BTreeMap<String, usize>>;

/// Fails at the first attempt where the subject says so, and always where it says `never`.
fn script(ledger: &Arc<Ledger>) -> impl Fn(&Delivery) -> Answer + Send + Sync + 'static {
    let ledger = Arc::clone(ledger);
    move |delivery| {
        let subject = &delivery.event.subject;
        let fails = subject.starts_with("never") || (subject.starts_with("once") && delivery.attempt == 1);
        if fails {
            return Answer::Now(failed(subject));
        }
        *ledger.lock().expect("no test panics here").entry(subject.clone()).or_default() += 1;
        done()
    }
}

fn open(disk: &Disk, env: &Manual, ledger: &Arc<Ledger>) -> Option<World> {
    let env_port: Arc<dyn eddy_base::Env> = Arc::new(env.clone());
    let store = testing::faulty(disk, env_port, eddy_bus::SPACES, eddy_bus::updates()).ok()?;
    Some(World::over(env.clone(), store, script(ledger)))
}

/// Lets time pass until nothing is left to do, or nothing works any more.
async fn run_out(world: &World) {
    for _ in 0..50 {
        // The second answer comes a turn later, so by then the bus sleeps if it has something to wait for.
        world.bus.settled().await;
        world.bus.settled().await;
        let Some(span) = world.env.first_asleep() else { return };
        if span >= eddy_bus::limits::LEASE {
            // Only the store sleeps that long, until the next segment is past its time.
            return;
        }
        world.env.advance(span);
    }
}

/// Puts one event with a row of its own kind beside it, as a source would.
async fn happen(world: &World, source: &eddy_bus::Source, subject: &str) -> Option<String> {
    let mut batch = Batch::new();
    world.bus.stage(&mut batch, &world.event(source, subject));
    world.store.commit(batch, ()).await.ok().map(|_| subject.to_owned())
}

/// The life of a server until its end. Gives up wherever a client is told no.
async fn live(world: World, acknowledged: &mut BTreeSet<String>) -> World {
    let (photos, f) = (bucket("photos"), function("f"));
    let wanted = vec![
        subscription("all", everything()),
        subscription("some", Filter { suffix: ".jpg".into(), ..everything() }),
    ];
    let mut batch = Batch::new();
    world.bus.stage_subscriptions(&mut batch, &photos, wanted).expect("the store can be read");
    let is_subscribed = world.store.commit(batch, ()).await.is_ok();
    let world = world.attached();
    if is_subscribed {
        for subject in ["a.jpg", "once.png", "b.png"] {
            acknowledged.extend(happen(&world, &photos, subject).await);
        }
    }
    for subject in ["plain", "once invoked", "never"] {
        acknowledged.extend(happen(&world, &f, subject).await);
    }
    run_out(&world).await;
    world
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whichever_operation_fails() {
    for fault in [Fault::Fail, Fault::FailLate] {
        let mut runs = 0;
        for nth in 1.. {
            let disk = Disk::new();
            disk.inject(nth, fault);
            let env = Manual::new(Timestamp::from_seconds(START));
            let ledger = Arc::new(Ledger::default());
            let mut acknowledged = BTreeSet::new();
            if let Some(world) = open(&disk, &env, &ledger) {
                drop(live(world, &mut acknowledged).await);
            }
            let is_clean = disk.has_faults();
            disk.crash();
            // A fault that the first life did not meet may hit the second one's opening.
            let world = open(&disk, &env, &ledger).or_else(|| open(&disk, &env, &ledger));
            let world = world.expect("there is one fault").attached();
            run_out(&world).await;
            check(&world, &ledger, &acknowledged, &format!("{fault:?} at {nth}"));
            runs += 1;
            if is_clean {
                break;
            }
        }
        assert!(runs > 10, "only {runs} operations");
    }
}

fn check(world: &World, ledger: &Ledger, acknowledged: &BTreeSet<String>, what: &str) {
    let delivered = ledger.lock().expect("no test panics here").clone();
    let letters = world.bus.failed(&scope(), None, 100).expect("the store can be read").letters;
    let dead: Vec<String> = letters.into_iter().map(|letter| letter.dead.event.subject).collect();
    for subject in acknowledged {
        if subject.starts_with("never") {
            assert!(dead.contains(subject), "{what}: {subject} is neither delivered nor dead");
            continue;
        }
        let successes = delivered.get(subject).copied().unwrap_or(0);
        let subscribers = if subject.ends_with(".jpg") { 2 } else { 1 };
        assert!(successes >= subscribers, "{what}: {subject} was delivered {successes} times");
        // One fault, one restart: what was on its way may come once more.
        assert!(successes <= 2 * subscribers, "{what}: {subject} was delivered {successes} times");
        assert!(!dead.contains(subject), "{what}: {subject}");
    }
    assert!(dead.len() <= 2, "{what}: {dead:?}");
    let subscribed = world.bus.subscriptions(&bucket("photos")).len();
    assert!(subscribed == 0 || subscribed == 2, "{what}: subscriptions are changed whole or not");
}

/// Whoever closes a subscription while one of its failed events is sent again: either it gets the event, or the sender
/// hears that it is gone, and the letter is not marked as sent.
#[tokio::test]
async fn what_is_sent_again_reaches_somebody_or_is_refused() {
    let disk = Disk::new();
    let env = Manual::new(Timestamp::from_seconds(START));
    let env_port: Arc<dyn eddy_base::Env> = Arc::new(env.clone());
    let store = testing::faulty(&disk, env_port, eddy_bus::SPACES, eddy_bus::updates()).unwrap();
    let policy = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let world = World::over(env, store, |_| Answer::Now(failed("always"))).with_policy(policy).attached();
    let source = bucket("photos");
    world.subscribe(&source, vec![subscription("s", everything())]).await;
    let event = world.event(&source, "a");
    world.happen(&event).await;
    world.until(|bus| bus.event(event.id).is_ok_and(|story| !story.letters.is_empty())).await;

    // Both look at the same state; the closing is decided first.
    let (close, resend) = (world.subscribe(&source, vec![]), world.bus.resend(event.id));
    let ((), sent) = tokio::join!(biased; close, resend);
    assert_eq!(sent.unwrap_err().code, Code::Conflict);
    assert_eq!(world.bus.event(event.id).unwrap().letters[0].resent, None);

    // One of the same name takes its place: it gets the event, though it began after the sender looked.
    let (open, resend) =
        (world.subscribe(&source, vec![subscription("s", everything())]), world.bus.resend(event.id));
    let ((), sent) = tokio::join!(biased; open, resend);
    assert_eq!(sent.unwrap_err().code, Code::Conflict, "there was none when it looked");
    let (other, resend) = (
        world.subscribe(&source, vec![subscription("s", everything()), subscription("t", everything())]),
        world.bus.resend(event.id),
    );
    let ((), sent) = tokio::join!(biased; other, resend);
    assert_eq!(*sent.unwrap().value(), 1, "it is looked at again when the subscriptions changed");
    world.until(|bus| bus.event(event.id).is_ok_and(|story| story.letters.len() == 2)).await;
}
