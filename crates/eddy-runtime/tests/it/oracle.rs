//! Our bootstrap against awslambdaric, which is Amazon's: both in a jail, the same handlers, the same answers.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use eddy_runtime::python::{Interpreters, Search};
use eddy_runtime::{Failure, Guest, Package, Runtime, Spec};
use serde_json::json;

use crate::kit::{Kit, LONG, Wish};

/// An interpreter that has awslambdaric: prefix, minor version, site-packages.
struct Oracle {
    prefix: PathBuf,
    minor: u8,
    packages: PathBuf,
}

/// The one that the test run was given. Without it these tests say so and prove nothing.
fn oracle() -> Option<Oracle> {
    let question = "import awslambdaric, sys, os; print(os.path.realpath(sys.base_prefix)); print(sys.version_info[1]); \
                    print(os.path.dirname(os.path.dirname(awslambdaric.__file__)))";
    let python = std::env::var("EDDY_TEST_PYTHON").ok()?;
    let said =
        Command::new(python).args(["-c", question]).output().ok().filter(|output| output.status.success())?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut lines = said.lines();
    Some(Oracle {
        prefix: PathBuf::from(lines.next()?),
        minor: lines.next()?.parse().ok()?,
        packages: PathBuf::from(lines.next()?),
    })
}

/// A jail whose Python is the oracle's: patch versions differ in what they print.
async fn kit_of(oracle: &Oracle) -> Kit {
    let python = oracle.prefix.join(format!("bin/python3.{}", oracle.minor));
    let search = Search { configured: vec![python], ..Search::default() };
    Kit::with(Wish { interpreters: Some(Arc::new(Interpreters::new(search))), ..Wish::default() }).await
}

fn or_say_why() -> Option<Oracle> {
    let oracle = oracle();
    if oracle.is_none() {
        eprintln!("skipped: EDDY_TEST_PYTHON does not name a Python with awslambdaric");
    }
    oracle
}

/// A handler for each thing that a handler can do.
const CASES: &str = r#"
import collections, datetime, decimal, enum, logging, os, sys
Point = collections.namedtuple("Point", "x y")
class Colour(enum.IntEnum):
    RED = 1
class Text(str):
    pass
def deep():
    raise RuntimeError("böse ☃")
def chained():
    try:
        deep()
    except RuntimeError as error:
        raise KeyError("outer") from error
CASES = {
    "echo": lambda event, context: event,
    "none": lambda event, context: None,
    "text": lambda event, context: "plain ü ☃ \u2028 \x01 \"",
    "bytes": lambda event, context: b"\x00raw\xff",
    "decimal": lambda event, context: [decimal.Decimal("1.20"), decimal.Decimal("1E+30"), {"d": decimal.Decimal(7)}],
    "nan": lambda event, context: [float("nan"), float("inf"), -float("inf"), decimal.Decimal("NaN"), decimal.Decimal("-Infinity")],
    "tuples": lambda event, context: (1, (2, 3), Point(1, Point(2, []))),
    "keys": lambda event, context: {1: "a", 1.5: "b", None: "c", True: "d", "s": "e", b"k": b"v"},
    "subclasses": lambda event, context: [Colour.RED, Text("t"), collections.OrderedDict(a=1), True],
    "big": lambda event, context: 2 ** 200,
    "nested": lambda event, context: {"a": [{"b": [[], {}, ""]}]},
    "badkey": lambda event, context: {(1, 2): 3},
    "set": lambda event, context: {"s": {1}},
    "date": lambda event, context: datetime.datetime(2026, 1, 1),
    "circular": lambda event, context: circle(),
    "context": lambda event, context: [
        context.aws_request_id, context.log_group_name, context.log_stream_name, context.function_name,
        context.memory_limit_in_mb, context.function_version, context.invoked_function_arn, context.tenant_id,
        repr(context.client_context), repr(context.identity), 0 < context.get_remaining_time_in_millis() <= 3000,
        context.w3c(), repr(context), type(context).__name__, sorted(n for n in dir(context) if n[0] != "_"),
    ],
    "environment": lambda event, context: sorted(
        n for n in os.environ if n not in ("PYTHONPATH", "LD_LIBRARY_PATH", "PWD", "_", "SHLVL", "OLDPWD")),
    "trace": lambda event, context: os.environ.get("_X_AMZN_TRACE_ID"),
    "raise": lambda event, context: deep(),
    "chained": lambda event, context: chained(),
    "empty": lambda event, context: (_ for _ in ()).throw(ValueError()),
    "recursion": lambda event, context: CASES["recursion"](event, context),
    "logging": lambda event, context: [
        h.formatter._fmt for h in logging.getLogger().handlers] + [logging.getLogger().level],
    "exit": lambda event, context: exit(5),
}
def circle():
    one = []
    one.append(one)
    return one
def handler(event, context):
    return CASES[event["case"]](event, context)
"#;

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "echo", "none", "text", "bytes", "decimal", "nan", "tuples", "keys", "subclasses", "big", "nested", "badkey", "set",
    "date", "circular", "context", "environment", "trace", "raise", "chained", "empty", "recursion", "logging",
];

#[tokio::test]
async fn handlers_cannot_tell_our_bootstrap_from_amazons() {
    let Some(oracle) = or_say_why() else { return };
    let kit = kit_of(&oracle).await;
    let ours = kit.python_on(oracle.minor, CASES, spec(&kit, &oracle)).await;
    let theirs = amazons(&kit, &oracle, &[("app.py", CASES)], spec(&kit, &oracle)).await;
    for name in NAMES {
        let mut event = kit.event(&json!({ "case": name, "ü": [1, 2.5, null, "☃"] }).to_string());
        event.trace = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned());
        event.client_context = Some(
            r#"{"custom":{"a":1},"client":{"app_title":"t"},"w3c":{"traceparent":"p","x":1}}"#.to_owned(),
        );
        event.identity = Some(r#"{"cognitoIdentityId":"i"}"#.to_owned());
        event.tenant = Some("blue".to_owned());
        let (ours, theirs) = (said(&ours, event.clone()).await, said(&theirs, event).await);
        assert_eq!(alike(&oracle, &ours), alike(&oracle, &theirs), "{name}");
    }
    drop((ours, theirs));
    kit.close().await;
}

#[tokio::test]
async fn failed_inits_are_told_alike() {
    let Some(oracle) = or_say_why() else { return };
    let kit = kit_of(&oracle).await;
    let table = [
        ("app.handler", "import nothing_of_that_name"),
        ("app.handler", "def handler(:\n"),
        ("app.handler", "other = 1"),
        ("app.handler", "raise ValueError('at import')"),
        ("app.handler", "def f():\n    return {}['x']\nf()"),
        ("app", ""),
        ("missing.handler", ""),
        ("sys.exit", ""),
        ("a/b.handler", ""),
    ];
    for (handler, source) in table {
        let files: &[(&str, &str)] = &[("app.py", source)];
        let spec = || Spec { handler: handler.to_owned(), ..spec(&kit, &oracle) };
        let code = kit.code(files);
        let package = Package { code, layers: None, runtime: Runtime::Python { minor: oracle.minor } };
        let ours = kit.package(package, spec()).await;
        let theirs = amazons(&kit, &oracle, files, spec()).await;
        let (ours, theirs) = (failed(&ours).await, failed(&theirs).await);
        assert_eq!(alike(&oracle, &ours), alike(&oracle, &theirs), "{handler}: {source}");
    }
    kit.close().await;
}

#[tokio::test]
async fn amazons_client_lives_behind_our_walls() {
    let Some(oracle) = or_say_why() else { return };
    let mut kit = kit_of(&oracle).await;
    let source = "import os, urllib.request\ncount = 0\ndef handler(event, context):\n    global count\n    count += 1\n    \
                  print('n', count)\n    if event.get('exit'): os._exit(9)\n    \
                  if event.get('big'): return 'x' * (7 << 20)\n    \
                  if event.get('call'): return urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL']).read().decode()\n    \
                  return count\n";
    let guest = amazons(&kit, &oracle, &[("app.py", source)], spec(&kit, &oracle)).await;
    guest.ready(LONG).await.expect("it starts");
    for count in 1..=3 {
        assert_eq!(kit.reply(&guest, "{}").await, count);
    }
    assert_eq!(kit.texts(), ["n 1", "n 2", "n 3"]);
    let call = kit.event(r#"{"call":1}"#);
    let server = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut call = kit.calls.recv().await.expect("it calls");
        let mut request = [0; 1024];
        let _ = call.stream.read(&mut request).await.expect("it writes");
        call.stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhere").await.expect("it reads");
    };
    let (invoked, ()) = tokio::join!(guest.invoke(call, LONG), server);
    assert_eq!(invoked.result.expect("it answers").payload, "\"here\"");
    let exit = guest.invoke(kit.event(r#"{"exit":1}"#), LONG).await.result;
    assert!(matches!(exit, Err(Failure::Exit { code: Some(9), signal: None })), "{exit:?}");
    let guest = amazons(&kit, &oracle, &[("app.py", source)], spec(&kit, &oracle)).await;
    let big = guest.invoke(kit.event(r#"{"big":1}"#), LONG).await.result;
    assert!(matches!(big, Err(Failure::ResponseTooLarge { .. })), "{big:?}");
    drop(guest);
    kit.close().await;
}

#[tokio::test]
async fn a_bootstrap_that_cannot_run_is_told() {
    let kit = Kit::new().await;
    let code = kit.code(&[("bootstrap", "#!/no/such/shell\n")]);
    executable(&code.join("bootstrap"));
    let package = Package { code, layers: None, runtime: Runtime::Bootstrap };
    let guest = kit.package(package, kit.spec()).await;
    let failure = guest.ready(LONG).await.expect_err("it cannot run");
    assert_eq!(failure.error_type(), "Runtime.InvalidEntrypoint");
    assert!(failure.message(LONG).starts_with("cannot run /var/task/bootstrap: No such file"), "{failure:?}");
    drop(guest);
    let empty = Package { code: kit.code(&[]), layers: None, runtime: Runtime::Bootstrap };
    assert!(eddy_runtime::Jail::prepare(&kit.jail, &empty).await.is_err());
    kit.close().await;
}

/// Without what must differ: where the interpreter is, and how deep the stack is below the handler.
fn alike(oracle: &Oracle, said: &str) -> String {
    let said = said.replace(&oracle.prefix.display().to_string(), "/opt/python-prefix");
    match said.split_once("[Previous line repeated ") {
        Some((before, after)) => {
            format!(
                "{before}[Previous line repeated N{}",
                after.trim_start_matches(|c: char| c.is_ascii_digit())
            )
        }
        None => said,
    }
}

fn spec(kit: &Kit, oracle: &Oracle) -> Spec {
    let mut spec = kit.spec();
    spec.memory_bytes_max = 256 << 20;
    spec.function.runtime = format!("python3.{}", oracle.minor);
    spec
}

/// The same code on awslambdaric. The interpreter and the client come as layers.
async fn amazons(kit: &Kit, oracle: &Oracle, files: &[(&str, &str)], mut spec: Spec) -> Guest {
    let start = format!(
        "#!/bin/sh\nexec /opt/python-prefix/bin/python3.{} -m awslambdaric \"$_HANDLER\"\n",
        oracle.minor
    );
    let files: Vec<(&str, &str)> = files.iter().copied().chain([("bootstrap", start.as_str())]).collect();
    let code = kit.code(&files);
    executable(&code.join("bootstrap"));
    let layers = kit.code(&[]);
    for (name, target) in [("python-prefix", &oracle.prefix), ("packages", &oracle.packages)] {
        std::os::unix::fs::symlink(target, layers.join(name)).expect("a link can be made");
    }
    spec.variables.push(("PYTHONPATH".to_owned(), "/opt/packages".to_owned()));
    spec.variables.push(("LD_LIBRARY_PATH".to_owned(), "/opt/python-prefix/lib".to_owned()));
    kit.package(Package { code, layers: Some(layers), runtime: Runtime::Bootstrap }, spec).await
}

async fn said(guest: &Guest, event: eddy_runtime::Event) -> String {
    match guest.invoke(event, LONG).await.result {
        Ok(reply) => format!("{} {}", reply.content_type, String::from_utf8_lossy(&reply.payload)),
        Err(Failure::Function { error_type, payload }) => {
            format!("{error_type} {}", String::from_utf8_lossy(&payload))
        }
        Err(failure) => format!("{failure:?}"),
    }
}

async fn failed(guest: &Guest) -> String {
    match guest.ready(LONG).await {
        Err(Failure::Init { error_type, payload }) => {
            let payload = String::from_utf8_lossy(&payload).into_owned();
            format!("{error_type} {payload}")
        }
        other => format!("{other:?}"),
    }
}

fn executable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}
