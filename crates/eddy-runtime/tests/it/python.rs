//! Python handlers in jails.

use eddy_runtime::{Failure, Jail, Package, Runtime, Stream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::kit::{Kit, LONG, interpreters, newest};

const ECHO: &str = "def handler(event, context):\n    return event\n";

#[tokio::test]
async fn every_interpreter_of_this_machine_answers() {
    let kit = Kit::new().await;
    eprintln!("{:#?}", kit.jail.walls());
    for python in interpreters().all() {
        let guest = kit.python_on(python.minor, ECHO, kit.spec()).await;
        let init =
            guest.ready(LONG).await.unwrap_or_else(|f| panic!("3.{}: {f:?} {:?}", python.minor, kit.texts()));
        assert_eq!(kit.reply(&guest, r#"{"a":1}"#).await, json!({"a": 1}));
        eprintln!("3.{} ready in {:?}", python.minor, init.took);
        guest.stop().await;
    }
    kit.close().await;
}

#[tokio::test]
async fn a_guest_is_warm_and_tells_lines_of_each_invocation_apart() {
    let kit = Kit::new().await;
    let source = "import logging\nlog = logging.getLogger()\nlog.setLevel('INFO')\ncount = 0\n\
                  def handler(event, context):\n    global count\n    count += 1\n    print('n', count)\n    \
                  log.info('two\\nlines')\n    import sys; sys.stderr.write('half')\n    \
                  return [count, context.aws_request_id]\n";
    let guest = kit.python(source, kit.spec()).await;
    for count in 1..=3 {
        let event = kit.event("{}");
        let request = event.request;
        let invoked = guest.invoke(event, LONG).await;
        let reply = invoked.result.expect("it answers");
        assert_eq!(reply.payload, format!("[{count}, \"{request}\"]"));
        assert!(invoked.usage.memory_peak_bytes > 1 << 20, "{:?}", invoked.usage);
        let lines = std::mem::take(&mut *kit.lines.lock().expect("no test panics with it"));
        let mut said: Vec<_> =
            lines.iter().map(|l| (l.stream, String::from_utf8_lossy(&l.text).into_owned())).collect();
        assert!(lines.iter().all(|line| line.request == Some(request)), "{lines:?}");
        said.sort_by_key(|(stream, _)| *stream as u8);
        assert_eq!(said[0], (Stream::Stdout, format!("n {count}")));
        assert_eq!(said[1], (Stream::Stderr, "half".to_owned()));
        assert!(said[2].1.starts_with("[INFO]\t") && said[2].1.ends_with("two\nlines"), "{said:?}");
        assert_eq!(said.len(), 3);
    }
    kit.close().await;
}

#[tokio::test]
async fn the_platform_endpoint_is_there_and_says_who_calls() {
    let mut kit = Kit::new().await;
    let source = "import socket, os\ndef handler(event, context):\n    host = os.environ['AWS_ENDPOINT_URL'][7:].split(':')\n    \
                  s = socket.create_connection((host[0], int(host[1])), 3)\n    s.sendall(b'hello')\n    \
                  return s.recv(100).decode()\n";
    let spec = kit.spec();
    let environment = spec.environment;
    let guest = kit.python(source, spec).await;
    let event = kit.event("{}");
    let server = async {
        let mut call = kit.calls.recv().await.expect("it calls");
        assert_eq!(call.environment, environment);
        let mut got = [0; 5];
        call.stream.read_exact(&mut got).await.expect("it writes");
        call.stream.write_all(b"and hello").await.expect("it reads");
        assert_eq!(&got, b"hello");
    };
    let (invoked, ()) = tokio::join!(guest.invoke(event, LONG), server);
    assert_eq!(invoked.result.expect("it answers").payload, "\"and hello\"");
    drop(guest);
    kit.close().await;
}

#[tokio::test]
async fn a_handler_that_raises_is_told_and_stays() {
    let kit = Kit::new().await;
    let guest = kit.python("def handler(event, context):\n    return event['x']\n", kit.spec()).await;
    let invoked = kit.invoke(&guest, "{}").await;
    let Err(Failure::Function { error_type, payload }) = invoked.result else {
        panic!("{:?}", invoked.result)
    };
    assert_eq!(error_type, "KeyError");
    let document: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(document["errorMessage"], "'x'");
    assert_eq!(
        document["stackTrace"],
        json!(["  File \"/var/task/app.py\", line 2, in handler\n    return event['x']\n"])
    );
    assert_eq!(kit.reply(&guest, r#"{"x":[]}"#).await, json!([]));
    kit.close().await;
}

/// Files of the user's that are named like modules of the standard library stand in for those that Amazon's runtime
/// has not imported before them, and for no others.
#[tokio::test]
async fn modules_that_the_runtime_has_already_are_not_replaced() {
    let kit = Kit::new().await;
    let names = ["logging", "json", "traceback", "string", "decimal", "re", "colorsys", "this_is_mine"];
    let app = format!(
        "import os, {0}\ndef handler(event, context):\n    modules = [{0}]\n    \
         return [m.__name__ for m in modules if m.__file__.startswith('/var/task')]\n",
        names.join(", ")
    );
    let files: Vec<(String, &str)> = names.iter().map(|name| (format!("{name}.py"), "")).collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), *text)).chain([("app.py", app.as_str())]).collect();
    let package =
        Package { code: kit.code(&files), layers: None, runtime: Runtime::Python { minor: newest() } };
    let guest = kit.package(package, kit.spec()).await;
    assert_eq!(kit.reply(&guest, "{}").await, json!(["colorsys", "this_is_mine"]));
    drop(guest);
    kit.close().await;
}

#[tokio::test]
async fn layers_are_below_opt_and_behind_the_code() {
    let kit = Kit::new().await;
    let code = kit.code(&[("app.py", "import one, two, os\ndef handler(e, c):\n    return [one.where, two.where, os.listdir('/opt')]\n"), ("one.py", "where = 'code'")]);
    let layers =
        kit.code(&[("python/one.py", "where = 'layer'"), ("python/two.py", "where = 'layer'"), ("data", "")]);
    let guest = kit
        .package(
            Package { code, layers: Some(layers), runtime: Runtime::Python { minor: newest() } },
            kit.spec(),
        )
        .await;
    let said = kit.reply(&guest, "{}").await;
    assert_eq!((&said[0], &said[1]), (&json!("code"), &json!("layer")));
    assert_eq!(said[2].as_array().map(Vec::len), Some(2), "{said}");
    drop(guest);
    kit.close().await;
}

/// Handlers shell out, since Lambda's image has these.
#[tokio::test]
async fn a_handler_may_run_the_usual_programs() {
    let kit = Kit::new().await;
    let source = "import subprocess\ndef handler(event, context):\n    said = {}\n    for line in event:\n        \
                  ran = subprocess.run(line, shell=True, capture_output=True, text=True, cwd='/tmp', timeout=15)\n        \
                  if ran.returncode: said[line] = [ran.returncode, ran.stdout, ran.stderr]\n    return said\n";
    let guest = kit.python(source, kit.spec()).await;
    let mut lines = vec![
        "ls -l /",
        "id",
        "cat /etc/passwd | grep sbx_user1051",
        "df /tmp",
        "uname -a",
        "date",
        "env",
        "sort -u < /etc/group",
        "touch a && cp a b && mv b c && ln -s c d && readlink -f d && stat c && rm a c d",
        "mktemp -d",
        "nproc",
        "echo x | sed s/x/y/ | tr y z | tee f | wc -c",
        "timeout 5 sleep 0.01",
        "seq 3 | head -2 | tail -1",
        "test \"$(echo x | sha256sum | cut -c1-6)\" = 73cb38",
        "du -s .",
        "printenv PATH",
        "nice true",
        "whoami",
        "dd if=/dev/zero of=z count=1 && truncate -s 0 z && shred z",
        "/bin/ls /usr/bin/sh",
        "chmod 700 f && rm f",
    ];
    let there = |name: &str| std::path::Path::new("/usr/bin").join(name).exists();
    for (name, line) in [
        ("bash", "bash -c 'a=(1 2); diff=$((a[1] - 1)); exit $((diff - 1))'"),
        ("awk", "echo 1 2 | awk '{exit $1 + $2 - 3}'"),
        ("find", "find /var/task -name app.py | xargs grep -c handler"),
        ("tar", "tar czf /tmp/t.tgz -C /var/task . && tar tzf /tmp/t.tgz"),
        ("gzip", "echo x | gzip | gunzip"),
        ("ps", "ps aux"),
        ("curl", "curl --version"),
        ("getent", "getent passwd root"),
    ] {
        if there(name) {
            lines.push(line);
        } else {
            eprintln!("skipped: no {name} on this machine");
        }
    }
    let said = kit.reply(&guest, &serde_json::json!(lines).to_string()).await;
    assert_eq!(said, serde_json::json!({}));
    guest.stop().await;
    kit.close().await;
}
