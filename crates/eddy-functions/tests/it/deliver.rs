//! Invocations that nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Cause, HOPS_MAX, Id};
use eddy_bus::{Delivery, Event, Lease, Outcome, Source, TargetName};
use eddy_functions::function::Retry;
use eddy_runtime::testing::{Act, InTest};

use crate::bench::{Bench, scope, spaces, updates};

async fn deliver(bench: &Bench, name: &str, payload: &str, hops: u32) -> Outcome {
    let id = Id::random(&*bench.env);
    let source = Source::Function { scope: scope(), name: name.to_owned(), qualifier: None };
    let event = Event {
        id,
        at: bench.env.now(),
        source,
        kind: Event::INVOKE.to_owned(),
        subject: String::new(),
        cause: Cause { hops, ..Cause::root(id) },
        data: Bytes::new(),
    };
    let delivery = Delivery {
        event,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        target: target(name),
        subscription: "itself".to_owned(),
        attempt: 1,
        attempts_max: 3,
        accepted: bench.env.now(),
        lease: Lease { offset: 0, grant: 1 },
    };
    bench.functions.target().deliver(delivery).await
}

fn target(name: &str) -> TargetName {
    TargetName::Function { scope: scope(), name: name.to_owned(), qualifier: None }
}

#[tokio::test]
async fn accepted_invocations_reach_the_function() {
    let env: Arc<dyn eddy_base::Env> = Arc::new(eddy_base::System::default());
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let script = move |_, _| -> eddy_base::env::Boxed<'static, Act> {
        counter.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Act::Reply("1".into()) })
    };
    let jail = InTest::new(env.clone(), Arc::new(script));
    let store = eddy_store::testing::open_in(env.clone(), spaces(), updates());
    let bench = Bench::over(store, tempfile::tempdir().unwrap(), jail, env, 10).await;
    bench.function("f").await;
    for n in 0..20 {
        let call = bench.call("f", &n.to_string());
        let id = call.request_id;
        assert_eq!(*bench.functions.enqueue(call).await.unwrap().value(), id);
    }
    bench.until("all arrive", || seen.load(Ordering::SeqCst) == 20).await;
}

#[tokio::test]
async fn outcomes_say_whose_fault_it_was() {
    let bench = Bench::new().await;
    bench.function("f").await;
    assert_eq!(deliver(&bench, "f", "1", 0).await, Outcome::Done);
    let failed = deliver(&bench, "f", r#"{"do":"raise"}"#, 0).await;
    let Outcome::Failed { error_type, message, code_version, .. } = failed else { panic!("{failed:?}") };
    assert_eq!((error_type.as_str(), message.as_str(), code_version.len()), ("KeyError", "'x'", 64));
    assert!(matches!(deliver(&bench, "none", "1", 0).await, Outcome::Gone { .. }));
    assert!(matches!(deliver(&bench, "f", "1", HOPS_MAX).await, Outcome::Gone { .. }));
    bench.functions.close(Duration::from_secs(1)).await;
    assert!(matches!(deliver(&bench, "f", "1", 0).await, Outcome::PutBack { .. }));
}

#[tokio::test]
async fn retry_policies_follow_the_configuration() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let port = bench.functions.target();
    assert_eq!(port.policy(&target("f")).retries, 2);
    let now = bench.env.now();
    let set = |_| Ok(Retry { attempts: Some(1), age_seconds: Some(60), modified: now });
    bench.functions.set_retry(&scope(), "f", set).await.unwrap();
    let policy = port.policy(&target("f"));
    assert_eq!((policy.retries, policy.age_max), (1, Duration::from_secs(60)));
    bench.functions.delete_retry(&scope(), "f").await.unwrap();
    assert_eq!(port.policy(&target("f")).age_max, Duration::from_secs(21_600));
}
