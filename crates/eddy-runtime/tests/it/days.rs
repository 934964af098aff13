//! What bad functions do, what their callers hear, and that the next one is fine.

use std::time::Duration;

use eddy_runtime::{Failure, Freeze, Spec};

use crate::kit::{Kit, LONG};

/// Enough to see that somebody does not end.
const SHORT: Duration = Duration::from_millis(500);

/// Runs one handler once and gives what it came to, in one word.
///
/// `init` and `within` are how long its initialization and its handler may take.
async fn outcome(kit: &Kit, source: &str, spec: Spec, init: Duration, within: Duration) -> String {
    let guest = kit.python(source, spec).await;
    if let Err(failure) = guest.ready(init).await {
        assert!(failure.ends_guest() && guest.ended());
        guest.stop().await;
        return format!("init {}", word(&failure));
    }
    let invoked = guest.invoke(kit.event("{}"), within).await;
    let said = match &invoked.result {
        Ok(reply) => format!("ok {}", String::from_utf8_lossy(&reply.payload)),
        Err(failure) => {
            assert_eq!(failure.ends_guest(), guest.ended(), "{failure:?}");
            word(failure)
        }
    };
    guest.stop().await;
    said
}

fn word(failure: &Failure) -> String {
    match failure {
        Failure::Function { error_type, .. } => format!("raised {error_type}"),
        Failure::Exit { .. } | Failure::Init { .. } => failure.message(LONG),
        Failure::Host(error) => format!("host {error}"),
        Failure::Timeout
        | Failure::OutOfMemory
        | Failure::Entrypoint { .. }
        | Failure::ResponseTooLarge { .. }
        | Failure::Truncated => failure.error_type().to_owned(),
    }
}

#[tokio::test]
async fn each_bad_day_has_its_error() {
    let kit = Kit::new().await;
    let handler =
        |body: &str| format!("import os, sys, time, signal\ndef handler(event, context):\n    {body}\n");
    let table = [
        (handler("return 1"), "ok 1"),
        (handler("sys.exit(0)"), "Runtime exited without providing a reason"),
        (handler("sys.exit(3)"), "Runtime exited with error: exit status 3"),
        (handler("os._exit(1)"), "Runtime exited with error: exit status 1"),
        (handler("os.abort()"), "Runtime exited with error: signal: aborted"),
        (handler("os.kill(os.getpid(), signal.SIGKILL)"), "Runtime exited with error: signal: killed"),
        (
            handler("import ctypes; ctypes.string_at(0)"),
            "Runtime exited with error: signal: segmentation fault",
        ),
        (handler("while True: pass"), "Sandbox.Timedout"),
        (handler("time.sleep(60)"), "Sandbox.Timedout"),
        (handler("os.close(3); time.sleep(60)"), "Runtime exited without providing a reason"),
        (handler("os.write(3, b'garbage, and more of it'); time.sleep(60)"), "Runtime.TruncatedResponse"),
        (handler("os.write(3, b'\\xff\\xff\\xff\\xffJ'); time.sleep(60)"), "Runtime.TruncatedResponse"),
        (handler("return 'x' * (7 << 20)"), "Function.ResponseSizeTooLarge"),
        (handler("raise ValueError('no')"), "raised ValueError"),
        (handler("return object()"), "raised Runtime.MarshalError"),
        (
            "import nothing_of_that_name".to_owned(),
            "init Unable to import module 'app': No module named 'nothing_of_that_name'",
        ),
        (
            "import boto3".to_owned(),
            "init Unable to import module 'app': No module named 'boto3': it is not installed for functions yet, type: eddy runtime install",
        ),
        ("import sys; sys.exit(4)".to_owned(), "init Runtime exited with error: exit status 4"),
        ("while True: pass".to_owned(), "init Sandbox.Timedout"),
    ];
    // Some at a time: most of them wait.
    let mut said = Vec::new();
    for some in table.chunks(5) {
        let runs = some.iter().map(|(source, expected)| {
            // Only who is to run out of time has little of it, and none of it is taken by what goes before.
            let (init, within) = match *expected {
                "init Sandbox.Timedout" => (SHORT, LONG),
                "Sandbox.Timedout" => (LONG, SHORT),
                _ => (LONG, LONG),
            };
            outcome(&kit, source, kit.spec(), init, within)
        });
        said.extend(futures_util::future::join_all(runs).await);
    }
    for ((source, expected), said) in table.iter().zip(said) {
        assert_eq!(said, *expected, "{source}");
    }
    kit.close().await;
}

#[tokio::test]
async fn a_function_that_forks_without_end_is_stopped_at_its_limit() {
    let kit = Kit::new().await;
    let source = "import os, time\ndef handler(event, context):\n    n = 0\n    try:\n        while True:\n            \
                  if os.fork() == 0:\n                time.sleep(60)\n                os._exit(0)\n            n += 1\n    \
                  except OSError as e:\n        return [n, e.errno]\n";
    let spec = Spec { pids_max: 16, ..kit.spec() };
    let said = outcome(&kit, source, spec, LONG, LONG).await;
    assert_eq!(said, "ok [15, 11]");
    kit.close().await;
}

#[tokio::test]
async fn memory_and_tmp_are_two_limits() {
    let kit = Kit::new().await;
    let handler = |body: &str| format!("import os, time\ndef handler(event, context):\n{body}\n");
    let fill = |megabytes: &str| {
        "    block = b'x' * (1 << 20)\n    n = 0\n    try:\n        with open('/tmp/f', 'wb', 0) as f:\n            \
         while n < {N}:\n                f.write(block); n += 1\n    except OSError as e:\n        return [n, e.errno]\n    \
         time.sleep(0.1)"
            .replace("{N}", megabytes)
    };
    let table = [
        (handler(&format!("{}\n    return n", fill("400"))), "ok 400"),
        (handler(&fill("513")), "ok [512, 28]"),
        (handler("    x = b'x' * (200 << 20)\n    time.sleep(5)\n    return len(x)"), "Runtime.OutOfMemory"),
        (handler("    x = []\n    while True: x.append(bytearray(1 << 20))"), "Runtime.OutOfMemory"),
        (
            handler(&format!("{}\n    x = b'x' * (200 << 20)\n    time.sleep(5)", fill("300"))),
            "Runtime.OutOfMemory",
        ),
        // Just above, and no more: below what the kernel holds it to.
        (handler("    x = b'x' * (132 << 20)\n    time.sleep(5)\n    return len(x)"), "Runtime.OutOfMemory"),
        (handler("    x = b'x' * (60 << 20)\n    time.sleep(0.1)\n    return len(x)"), "ok 62914560"),
    ];
    for (source, expected) in table {
        assert_eq!(outcome(&kit, &source, kit.spec(), LONG, LONG).await, expected, "{source}");
    }
    kit.close().await;
}

#[tokio::test]
async fn the_peak_of_memory_is_that_of_the_invocation() {
    let kit = Kit::new().await;
    let source = "def handler(event, context):\n    x = b'x' * (event << 20)\n    return len(x)\n";
    let guest = kit.python(source, kit.spec()).await;
    let megabytes = |usage: eddy_runtime::Usage| usage.memory_peak_bytes >> 20;
    let big = kit.invoke(&guest, "70").await;
    let small = kit.invoke(&guest, "1").await;
    assert!((70..128).contains(&megabytes(big.usage)), "{:?}", big.usage);
    assert!((3..60).contains(&megabytes(small.usage)), "{:?}", small.usage);
    assert!(big.usage.cpu.is_none_or(|cpu| cpu > Duration::ZERO));
    drop(guest);
    kit.close().await;
}

#[tokio::test]
async fn a_frozen_guest_does_nothing_and_thaws_for_the_next_event() {
    let kit = Kit::new().await;
    let source = "import threading, time\nn = 0\ndef count():\n    global n\n    while True:\n        n += 1\n        \
                  time.sleep(0.001)\nthreading.Thread(target=count, daemon=True).start()\n\
                  def handler(event, context):\n    time.sleep(0.05)\n    return n\n";
    let guest = kit.python(source, kit.spec()).await;
    let first = kit.reply(&guest, "{}").await.as_u64().expect("a number");
    assert!(matches!(guest.freeze().await, Ok(Freeze::Frozen | Freeze::Emulated)));
    kit.env.sleep(Duration::from_millis(400)).await;
    let second = kit.reply(&guest, "{}").await.as_u64().expect("a number");
    assert!(first > 5 && second > first, "{first} {second}");
    assert!(second - first < 150, "it counted while it was frozen: {first} {second}");
    guest.freeze().await.expect("it can be frozen again");
    // Killing thaws first where it must.
    guest.stop().await;
    kit.close().await;
}

#[tokio::test]
async fn dropping_an_invocation_kills_the_guest() {
    let kit = Kit::new().await;
    let guest = kit.python("import time\ndef handler(e, c):\n    time.sleep(60)\n", kit.spec()).await;
    guest.ready(LONG).await.expect("it starts");
    let dropped = tokio::select! {
        _ = guest.invoke(kit.event("{}"), LONG) => false,
        () = kit.env.sleep(Duration::from_millis(50)) => true,
    };
    assert!(dropped && guest.ended());
    guest.stop().await;
    kit.close().await;
}

#[tokio::test]
async fn output_without_end_is_dropped_and_counted() {
    let kit = Kit::new().await;
    let source = "import sys\ndef handler(event, context):\n    line = 'x' * 1023 + '\\n'\n    for _ in range(20 * 1024):\n        \
                  sys.stdout.stream.write(line)\n    sys.stdout.flush()\n    return 'done'\n";
    let guest = kit.python(source, kit.spec()).await;
    assert_eq!(kit.reply(&guest, "{}").await, "done");
    let texts = kit.texts();
    let dropped: usize =
        texts.iter().filter_map(|text| text.strip_suffix(" lines dropped")?.parse::<usize>().ok()).sum();
    let whole = texts.iter().filter(|text| text.len() == 1023).count();
    assert_eq!(whole + dropped, 20 * 1024);
    assert!(dropped > 0);
    drop(guest);
    kit.close().await;
}
