//! The Runtime API as a stubborn client sees it.

use std::os::unix::fs::PermissionsExt;

use eddy_runtime::{Failure, Package, Runtime, Spec};
use serde_json::json;

use crate::kit::{Kit, LONG, interpreters};

/// A client that asks out of turn, and answers with what it was told.
const CLIENT: &str = r#"
import http.client, json, os
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(host)
    connection.request(method, "/2018-06-01/" + path, body, headers)
    response = connection.getresponse()
    text = response.read().decode()
    kind = json.loads(text).get("errorType") if text.startswith("{") else text
    return response, [response.status, kind], text
said = [ask("GET", "ping")[1]]
while True:
    response, _, event = ask("GET", "runtime/invocation/next")
    id = response.getheader("Lambda-Runtime-Aws-Request-Id")
    path = "runtime/invocation/" + id
    if event == '"big"':
        print(ask("POST", path + "/response", "x" * (7 << 20))[1], flush=True)
        continue
    if event == '"raise"':
        print(ask("POST", path + "/error", "{}", {"Lambda-Runtime-Function-Error-Type": "Function.Mine"})[1], flush=True)
        continue
    said += [
        ask("GET", "runtime/invocation/next")[1],
        ask("POST", "runtime/invocation/other/response", "1")[1],
        ask("POST", "runtime/invocation/other/error", "{}")[1],
        ask("POST", path + "/response", "1", {"Lambda-Runtime-Function-Response-Mode": "streaming"})[1],
        ask("POST", "runtime/init/error", "{}")[1],
        ask("GET", "runtime/restore/next")[1],
        ask("GET", "no/such/thing")[1],
    ]
    headers = sorted(name for name, _ in response.getheaders())
    print(ask("POST", path + "/response", json.dumps([said, headers]))[1], flush=True)
    print(ask("POST", path + "/response", "again")[1], flush=True)
"#;

#[tokio::test]
async fn what_is_out_of_turn_is_refused_by_name() {
    let pythons = interpreters();
    let Some(python) = pythons.all().iter().find(|python| !python.is_of_system()) else {
        eprintln!("skipped: no Python that can be a layer");
        return;
    };
    let kit = Kit::new().await;
    let start = format!("#!/bin/sh\nexec /opt/python-prefix/bin/python3.{} -I -S client.py\n", python.minor);
    let code = kit.code(&[("bootstrap", &start), ("client.py", CLIENT)]);
    std::fs::set_permissions(code.join("bootstrap"), std::fs::Permissions::from_mode(0o755))
        .expect("it is ours");
    let layers = kit.code(&[]);
    std::os::unix::fs::symlink(&python.prefix, layers.join("python-prefix")).expect("a link can be made");
    let mut spec = Spec { memory_bytes_max: 256 << 20, ..kit.spec() };
    spec.variables.push(("LD_LIBRARY_PATH".to_owned(), "/opt/python-prefix/lib".to_owned()));
    let guest = kit.package(Package { code, layers: Some(layers), runtime: Runtime::Bootstrap }, spec).await;
    let said = kit.reply(&guest, "{}").await;
    let expected = json!([
        [200, "pong"],
        [403, "InvalidStateTransition"],
        [400, "InvalidRequestID"],
        [400, "InvalidRequestID"],
        [400, "InvalidFunctionResponseMode"],
        [403, "InvalidStateTransition"],
        [404, "Unsupported"],
        [404, "Unsupported"],
    ]);
    assert_eq!(said[0], expected);
    for name in
        ["lambda-runtime-aws-request-id", "lambda-runtime-deadline-ms", "lambda-runtime-invoked-function-arn"]
    {
        assert!(said[1].as_array().is_some_and(|names| names.contains(&json!(name))), "{name}: {said}");
    }
    let big = guest.invoke(kit.event("\"big\""), LONG).await.result;
    assert!(matches!(big, Err(Failure::ResponseTooLarge { bytes }) if bytes == 7 << 20), "{big:?}");
    let raised = guest.invoke(kit.event("\"raise\""), LONG).await.result;
    assert!(
        matches!(&raised, Err(Failure::Function { error_type, .. }) if error_type == "Function.Mine"),
        "{raised:?}"
    );
    drop(guest);
    kit.close().await;
}
