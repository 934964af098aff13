//! What happens when functions are invoked.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Cause, Code, Env, Subject, System, Timestamp};
use eddy_functions::Invoke;
use eddy_functions::function::{Settings, Variables};
use eddy_runtime::testing::InTest;
use eddy_runtime::{Failure, Line, Spec, Stream};

use crate::bench::{Bench, scope, settings, spaces, updates, zip};

#[tokio::test]
async fn answers_come_back_and_environments_are_used_again() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let cold = bench.invoke("f", r#"{"n":1}"#).await;
    assert_eq!((cold.payload.as_ref(), cold.error, cold.init.is_some()), (&br#"{"n":1}"#[..], None, true));
    for _ in 0..10 {
        assert_eq!(bench.invoke("f", "2").await.init, None);
    }
    assert_eq!(bench.jail.started(), 1);
}

#[tokio::test]
async fn failures_are_told_as_documented() {
    let bench = Bench::new().await;
    let settings = Settings { timeout_seconds: 1, ..settings() };
    bench.function_with("f", settings).await;
    let cases = [
        ("raise", "KeyError", true, true),
        ("large", "Function.ResponseSizeTooLarge", false, true),
        ("exit", "Runtime.ExitError", false, false),
        ("memory", "Runtime.OutOfMemory", false, false),
        ("hang", "Sandbox.Timedout", false, false),
    ];
    for (what, error_type, raised, lives) in cases {
        let before = bench.jail.started();
        let failed = bench.invoke("f", &format!(r#"{{"do":"{what}"}}"#)).await;
        let error = failed.error.unwrap();
        assert_eq!((error.error_type.as_str(), error.raised), (error_type, raised), "{what}");
        let document: serde_json::Value = serde_json::from_slice(&failed.payload).unwrap();
        assert_eq!(document["errorType"], error_type, "{what}");
        // The next one is fine, in the same environment if that survived.
        let fresh = bench.jail.started();
        assert_eq!(bench.invoke("f", "1").await.error, None);
        assert_eq!(bench.jail.started() - fresh, u64::from(!lives), "{what}");
        assert!(before <= fresh);
    }
}

#[tokio::test]
async fn the_end_of_the_log_comes_along_when_asked_for() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let mut call = bench.call("f", r#"{"do":"print"}"#);
    assert_eq!(bench.functions.invoke(call.clone()).await.unwrap().log_tail, None);
    call.tail = true;
    let id = call.request_id;
    let tail = bench.functions.invoke(call).await.unwrap().log_tail.unwrap();
    let text = String::from_utf8(tail.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], format!("START RequestId: {id} Version: $LATEST"));
    assert_eq!(lines[1], "hello");
    assert_eq!(lines[2], format!("END RequestId: {id}"));
    assert!(lines[3].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")), "{}", lines[3]);
    assert!(lines[3].ends_with("Memory Size: 128 MB\tMax Memory Used: 16 MB\t"), "{}", lines[3]);
}

#[tokio::test]
async fn no_more_environments_than_callers_at_once() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let clients = (0..16).map(|_| {
        let (functions, call) = (bench.functions.clone(), bench.call("f", r#"{"do":"wait","ms":1}"#));
        async move {
            for _ in 0..50 {
                assert_eq!(functions.invoke(call.clone()).await.unwrap().error, None);
            }
        }
    });
    let clients: Vec<_> = clients.map(|client| bench.env.spawn("client", Box::pin(client))).collect();
    for client in clients {
        client.join().await.unwrap();
    }
    assert!(bench.jail.started() <= 16, "{} environments", bench.jail.started());
}

#[tokio::test]
async fn a_limit_on_environments_makes_callers_wait_and_not_fail() {
    let bench = Bench::with(2).await;
    for name in ["f", "g"] {
        bench.function(name).await;
    }
    let calls = (0..12).map(|n| {
        let name = if n % 2 == 0 { "f" } else { "g" };
        let (functions, call) = (bench.functions.clone(), bench.call(name, r#"{"do":"wait","ms":5}"#));
        let task = async move {
            assert_eq!(functions.invoke(call).await.unwrap().error, None);
        };
        bench.env.spawn("call", Box::pin(task))
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        call.join().await.unwrap();
    }
    assert!(bench.jail.running() <= 3, "{} environments", bench.jail.running());
}

#[tokio::test]
async fn a_function_that_waits_for_another_gets_its_answer_at_the_limit() {
    let bench = Bench::with(1).await;
    bench.function("outer").await;
    bench.function("inner").await;
    let outer = bench.functions.invoke(bench.call("outer", r#"{"do":"wait","ms":200}"#));
    let inner = async {
        bench.until("the outer one runs", || bench.jail.running() == 1).await;
        bench.invoke("inner", "1").await
    };
    let (outer, inner) = tokio::join!(outer, inner);
    assert_eq!((outer.unwrap().error, inner.error), (None, None));
}

#[tokio::test]
async fn changed_functions_run_in_new_environments() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let first = bench.invoke("f", r#"{"do":"environment"}"#).await.payload;
    let change = |settings: &mut Settings| {
        settings.variables = Variables(vec![("A".to_owned(), "b".to_owned())]);
        Ok(())
    };
    bench.functions.change_settings(&scope(), "f", None, change).await.unwrap();
    assert_eq!(bench.invoke("f", r#"{"do":"variables"}"#).await.payload, r#"[["A","b"]]"#);
    assert_ne!(bench.invoke("f", r#"{"do":"environment"}"#).await.payload, first);
    bench.until("the old one is stopped", || bench.jail.running() == 1).await;

    let package = bench.package(&zip(&[("app.py", "new code")])).await;
    bench.functions.change_code(&scope(), "f", None, &package).await.unwrap();
    assert_eq!(bench.invoke("f", r#"{"do":"code"}"#).await.payload, "new code");
    bench.functions.delete(&scope(), "f").await.unwrap();
    bench.until("the last one is stopped", || bench.jail.running() == 0).await;
    let fault = bench.functions.invoke(bench.call("f", "1")).await.unwrap_err();
    assert_eq!((fault.code, fault.subject), (Code::Missing, Subject::Function));
}

#[tokio::test]
async fn versions_that_are_not_there() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let mut call = bench.call("f", "1");
    call.qualifier = Some("$LATEST".to_owned());
    bench.functions.invoke(call.clone()).await.unwrap();
    call.qualifier = Some("7".to_owned());
    let fault = bench.functions.invoke(call).await.unwrap_err();
    assert_eq!((fault.code, fault.subject), (Code::Missing, Subject::FunctionVersion));
}

#[tokio::test]
async fn callers_who_go_away_break_nothing() {
    let bench = Bench::new().await;
    bench.function("f").await;
    bench.invoke("f", "1").await;
    // In the middle of the work: it runs to its end, and the environment is used again.
    let mut call = bench.call("f", r#"{"do":"wait","ms":50}"#);
    call.by = Some(Duration::from_millis(5));
    let fault = bench.functions.invoke(call).await.unwrap_err();
    assert_eq!(fault.code, Code::TimedOut);
    // While waiting: the environment goes to whoever still waits.
    let mut waiting = bench.call("f", "2");
    waiting.by = Some(Duration::from_millis(1));
    let _ = bench.functions.invoke(waiting).await;
    assert_eq!(bench.invoke("f", "3").await.payload, "3");
    assert!(bench.jail.started() <= 2);
}

#[tokio::test]
async fn what_an_environment_does_is_known() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let call = bench.call("f", r#"{"do":"environment"}"#);
    let invoked = bench.functions.invoke(call.clone()).await.unwrap();
    let environment: String = serde_json::from_slice(&invoked.payload).unwrap();
    let activity = bench.functions.activity(environment.parse().unwrap()).unwrap();
    assert_eq!(activity.function.name, "f");
    assert_eq!(activity.cause, Cause::root(call.request_id).below(invoked.invocation));
    bench.functions.delete(&scope(), "f").await.unwrap();
    let gone = || bench.functions.activity(environment.parse().unwrap()).is_none();
    bench.until("the environment is forgotten", gone).await;
}

#[tokio::test]
async fn payloads_have_a_limit() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let mut call = bench.call("f", "");
    call.payload = vec![b'1'; 6 * 1024 * 1024].into();
    assert_eq!(bench.functions.invoke(call.clone()).await.unwrap().error, None);
    assert_eq!(bench.functions.enqueue(call.clone()).await.unwrap_err().code, Code::TooLarge);
    call.payload = vec![b'1'; 6 * 1024 * 1024 + 1].into();
    let fault = bench.functions.invoke(call).await.unwrap_err();
    assert_eq!((fault.code, fault.subject), (Code::TooLarge, Subject::Request));
}

#[tokio::test]
async fn the_end_waits_for_what_runs_and_stops_everything() {
    let bench = Bench::new().await;
    bench.function("f").await;
    bench.invoke("f", "1").await;
    let running = bench.functions.invoke(bench.call("f", r#"{"do":"wait","ms":50}"#));
    let close = async {
        bench.until("it runs", || bench.jail.running() == 1).await;
        bench.functions.close(Duration::from_secs(5)).await;
    };
    let (running, ()) = tokio::join!(running, close);
    assert_eq!(running.unwrap().error, None);
    assert_eq!(bench.jail.running(), 0);
    assert_eq!(bench.functions.invoke(bench.call("f", "1")).await.unwrap_err().code, Code::Unavailable);
}

/// A bench whose guests fail their initialization as often as they are told to, after they have printed.
async fn failing(times: u64) -> Bench {
    let env: Arc<dyn Env> = Arc::new(System::default());
    let inits = move |number: u64, spec: &Spec| {
        let text = Bytes::from(format!("start {number}"));
        (spec.logs)(Line { stream: Stream::Stdout, at: Timestamp::EPOCH, request: None, text });
        if number > times { Ok(()) } else { Err(Failure::Exit { code: Some(1), signal: None }) }
    };
    let jail = InTest::echo(env.clone()).with_inits(Arc::new(inits));
    let store = eddy_store::testing::open_in(env.clone(), spaces(), updates());
    let bench = Bench::over(store, tempfile::tempdir().unwrap(), jail, env, 10).await;
    bench.function("f").await;
    bench
}

/// The end of the log, its numbers and ids taken out.
async fn tail(bench: &Bench, payload: &str) -> (eddy_functions::Invoked, Vec<String>) {
    let call = Invoke { tail: true, ..bench.call("f", payload) };
    let id = call.request_id.to_string();
    let invoked = bench.functions.invoke(call).await.unwrap();
    let tail = String::from_utf8(invoked.log_tail.clone().unwrap().to_vec()).unwrap().replace(&id, "ID");
    let plain = |line: &str| {
        let words = line.split_inclusive([' ', '\t']);
        let words = words
            .map(|word| if word.contains('.') && word.trim().parse::<f64>().is_ok() { "N " } else { word });
        words.collect::<String>().replace("Billed Duration: 1 ms", "Billed Duration: 0 ms")
    };
    (invoked, tail.lines().map(plain).collect())
}

#[tokio::test]
async fn an_initialization_that_fails_is_tried_once_more_and_both_are_in_the_log() {
    let bench = failing(2).await;
    let (invoked, lines) = tail(&bench, "1").await;
    assert_eq!(invoked.error.unwrap().error_type, "Runtime.ExitError");
    let expected = [
        "start 1",
        "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError",
        "start 2",
        "INIT_REPORT Init Duration: N ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError",
        "START RequestId: ID Version: $LATEST",
        "RequestId: ID Error: Runtime exited with error: exit status 1",
        "Runtime.ExitError",
        "END RequestId: ID",
        "REPORT RequestId: ID\tDuration: N ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\tMax Memory Used: 16 MB\t\
         Status: error\tError Type: Runtime.ExitError\t",
    ];
    assert_eq!(lines, expected);
    assert_eq!((bench.jail.started(), bench.jail.running()), (2, 0));
    // The next one finds a new environment, whose first try is as good as any.
    let (invoked, lines) = tail(&bench, "2").await;
    assert_eq!((invoked.error, lines[0].as_str()), (None, "start 3"));
    assert!(lines[3].contains("\tInit Duration: "), "{lines:?}");
}

#[tokio::test]
async fn a_second_initialization_is_part_of_the_invocation() {
    let bench = failing(1).await;
    let (invoked, lines) = tail(&bench, "1").await;
    assert_eq!((invoked.error, invoked.init), (None, None));
    let expected = [
        "start 1",
        "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError",
        "start 2",
        "START RequestId: ID Version: $LATEST",
        "END RequestId: ID",
        "REPORT RequestId: ID\tDuration: N ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\tMax Memory Used: 16 MB\t",
    ];
    assert_eq!(lines, expected);
    let (_, lines) = tail(&bench, "2").await;
    assert_eq!(lines[0], "START RequestId: ID Version: $LATEST", "what was before belongs to the first");
}
