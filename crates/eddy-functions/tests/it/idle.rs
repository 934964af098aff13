//! What happens to environments that nobody needs.

use std::sync::Arc;
use std::time::Duration;

use eddy_base::env::Manual;
use eddy_base::{Env, Timestamp};
use eddy_functions::limits::{AGE_MAX, FREEZE_AFTER, IDLE_MAX};
use eddy_runtime::testing::InTest;

use crate::bench::{Bench, spaces, updates};

async fn bench(clock: &Manual) -> Bench {
    let env: Arc<dyn Env> = Arc::new(clock.clone());
    let store = eddy_store::testing::open_in(env.clone(), spaces(), updates());
    Bench::over(store, tempfile::tempdir().unwrap(), InTest::echo(env.clone()), env, 10).await
}

#[tokio::test]
async fn an_idle_environment_is_looked_after_and_stopped_in_the_end() {
    let clock = Manual::new(Timestamp::from_seconds(1_800_000_000));
    let bench = bench(&clock).await;
    bench.function("f").await;
    bench.invoke("f", "1").await;
    // The look at which it is frozen is planned, and after it the one at which it is stopped.
    assert!(clock.asleep().await <= FREEZE_AFTER);
    clock.advance(FREEZE_AFTER);
    clock.asleep_for(IDLE_MAX - Duration::from_secs(1)).await;
    assert_eq!(bench.jail.running(), 1);
    // Frozen ones are used again like any other.
    bench.invoke("f", "2").await;
    assert_eq!(bench.jail.started(), 1);
    clock.asleep().await;
    clock.advance(IDLE_MAX + FREEZE_AFTER);
    bench.until("it is stopped", || bench.jail.running() == 0).await;
    bench.invoke("f", "3").await;
    assert_eq!(bench.jail.started(), 2);
}

#[tokio::test]
async fn an_old_environment_takes_no_more_work() {
    let clock = Manual::new(Timestamp::from_seconds(1_800_000_000));
    let bench = bench(&clock).await;
    bench.function("f").await;
    let end = clock.now().plus(AGE_MAX);
    while clock.now() < end {
        bench.invoke("f", "1").await;
        clock.advance(IDLE_MAX / 2);
    }
    assert_eq!(bench.jail.started(), 1, "used again and again until it is old");
    clock.advance(Duration::from_secs(1));
    bench.invoke("f", "1").await;
    bench.invoke("f", "1").await;
    assert_eq!(bench.jail.started(), 2);
}
