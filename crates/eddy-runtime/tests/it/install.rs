//! boto3 in a folder of its own: from wheels, from an index, and as functions see it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eddy_runtime::python::Interpreter;
use eddy_runtime::{Error, runtimes};

use crate::kit::{Kit, Wish, interpreters};

/// The pinned wheels, fetched once by pip, which the machine may not have; then these tests say so.
fn wheels() -> Option<PathBuf> {
    let python = std::env::var("EDDY_TEST_PYTHON").ok()?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wheels");
    let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtimes/requirements.txt");
    let complete = std::fs::read_dir(&folder).is_ok_and(|entries| entries.count() >= 7);
    if !complete {
        let fetched = Command::new(python)
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--require-hashes",
                "-r",
            ])
            .arg(&pins)
            .arg("-d")
            .arg(&folder)
            .status();
        if !fetched.is_ok_and(|status| status.success()) {
            return None;
        }
    }
    Some(folder)
}

fn newest() -> Interpreter {
    interpreters().all().first().expect("these tests need a Python").as_ref().clone()
}

#[tokio::test]
async fn functions_use_the_installed_boto3_and_prefer_their_own() {
    let Some(wheels) = wheels() else {
        eprintln!("skipped: EDDY_TEST_PYTHON has no pip that can fetch the pinned wheels");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let python = newest();
    let mut told = Vec::new();
    let made =
        runtimes::install(&[&python], folder.path(), Some(&wheels), &mut |line| told.push(line.to_owned()))
            .expect("the wheels are those that are pinned");
    assert_eq!(runtimes::installed(folder.path()), Some(made.clone()));
    assert!(told.contains(&format!("boto3 {}", runtimes::boto3_version())), "{told:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing else is left");

    let kit = Kit::with(Wish { runtimes: Some(folder.path().to_owned()), ..Wish::default() }).await;
    let source = "import sys, boto3, botocore\nsys.path_seen = sys.path[:5]\nclient = boto3.client('s3')\n\
                  def handler(event, context):\n    return [boto3.__version__, boto3.__file__, client.meta.endpoint_url, \
                  sys.path_seen, botocore.__spec__.cached, __import__('os').path.exists(botocore.__spec__.cached)]\n";
    let mut spec = kit.spec();
    spec.memory_bytes_max = 256 << 20;
    let guest = kit.python(source, spec).await;
    let said = kit.reply(&guest, "{}").await;
    assert_eq!(said[0], runtimes::boto3_version());
    assert_eq!(said[1], "/var/runtime/boto3/__init__.py");
    assert_eq!(said[2], "http://127.0.0.1:4566");
    assert_eq!(said[3][0], "/var/task");
    assert_eq!(said[3][3], "/var/runtime");
    assert_eq!(said[5], true, "it is compiled: {said}");
    drop(guest);
    let own = [
        ("app.py", "import boto3\ndef handler(e, c):\n    return boto3.own\n"),
        ("boto3.py", "own = 'mine'\n"),
    ];
    let package = eddy_runtime::Package {
        code: kit.code(&own),
        layers: None,
        runtime: eddy_runtime::Runtime::Python { minor: python.minor },
    };
    let guest = kit.package(package, kit.spec()).await;
    assert_eq!(kit.reply(&guest, "{}").await, "mine");
    drop(guest);
    kit.close().await;
}

#[test]
fn a_wheel_that_is_not_the_pinned_one_is_refused() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let wheels = folder.path().join("wheels");
    std::fs::create_dir(&wheels).expect("a folder can be made");
    let name = format!("boto3-{}-py3-none-any.whl", runtimes::boto3_version());
    std::fs::write(wheels.join(name), "not it").expect("a file can be written");
    let into = folder.path().join("runtimes");
    for (from, expected) in
        [(wheels.as_path(), "SHA-256 is not the pinned one"), (folder.path(), "nobody has its wheel")]
    {
        let refused =
            runtimes::install(&[&newest()], &into, Some(from), &mut |_| {}).expect_err("it is not it");
        assert!(matches!(&refused, Error::Install(said) if said.contains(expected)), "{refused}");
    }
    assert_eq!(std::fs::read_dir(&into).expect("it was made").count(), 0, "nothing half-made is left");
    assert!(
        runtimes::install(&[], &into, None, &mut |_| {}).is_err(),
        "without Python there is nothing to do it with"
    );
}

/// The user's own index, with a name and a password, in both forms that indexes have.
#[test]
fn an_index_is_asked_as_pip_would_ask_it() {
    let Some(wheels) = wheels() else {
        eprintln!("skipped: EDDY_TEST_PYTHON has no pip that can fetch the pinned wheels");
        return;
    };
    for json in [false, true] {
        let (port, asked) = index(&wheels, json);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtimes");
        let mut fetching = Command::new(&newest().executable)
            .args(["-I", "-S"])
            .arg(script.join("fetch.py"))
            .arg(script.join("requirements.txt"))
            .arg(folder.path())
            .env_clear()
            .env("PIP_INDEX_URL", format!("http://me:secret@127.0.0.1:{port}/simple/"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        // It ends with its standard input.
        let held = fetching.stdin.take();
        let output = fetching.wait_with_output().expect("it ends");
        drop(held);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("secret"), "{said}");
        assert!(folder.path().join("boto3/__init__.py").exists());
        let asked = asked.lock().expect("no server panics").clone();
        assert!(asked.iter().all(|line| line.contains("Basic bWU6c2VjcmV0")), "{asked:?}");
    }
}

/// A package index for these wheels, on loopback. Ends with the test process.
fn index(wheels: &Path, json: bool) -> (u16, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let files: HashMap<String, Vec<u8>> = std::fs::read_dir(wheels)
        .expect("they were fetched")
        .flatten()
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("readable"))
        })
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened on");
    let port = listener.local_addr().expect("it is bound").port();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("").to_owned();
            seen.lock().expect("no test panics with it").push(request);
            let (kind, body) = page(&files, &path, json);
            let head =
                format!("HTTP/1.0 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    (port, asked)
}

fn page(files: &HashMap<String, Vec<u8>>, path: &str, json: bool) -> (&'static str, Vec<u8>) {
    if let Some(file) = path.strip_prefix("/files/") {
        return ("application/octet-stream", files.get(file).cloned().unwrap_or_default());
    }
    let project = path.trim_start_matches("/simple/").trim_end_matches('/').replace('-', "_");
    let names = files.keys().filter(|name| name.starts_with(&format!("{project}-")));
    if json {
        let list: Vec<_> = names
            .map(|name| serde_json::json!({ "filename": name, "url": format!("../../files/{name}") }))
            .collect();
        return (
            "application/vnd.pypi.simple.v1+json",
            serde_json::json!({ "files": list }).to_string().into_bytes(),
        );
    }
    let links: String = names.map(|name| format!("<a href=\"/files/{name}#sha256=0\">{name}</a>")).collect();
    ("text/html", links.into_bytes())
}
