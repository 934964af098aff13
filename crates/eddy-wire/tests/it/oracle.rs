//! botocore as the judge: what its serializer sends is read here, what is written here its parser reads, for
//! every operation of every imported service in every protocol of it, and for every error.
//!
//! `tests/oracle/oracle.py` has the other half and says what the lines between the two mean.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use eddy_base::Timestamp;
use eddy_wire::schema::{Kind, Operation, Service, Shape};
use eddy_wire::{
    Document, Error, Protocol, Struct, decode, encode, encode_error, event_stream, route, schema, validate,
};
use http::Response;
use serde_json::{Value, json};

/// Operations whose requests are those of another one, which a server has to prefer: read as the other's.
const TWINS: &[(&str, &str)] = &[
    ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    ("GetBucketNotification", "GetBucketNotificationConfiguration"),
    // Told apart by a host of its own.
    ("ListDirectoryBuckets", "ListBuckets"),
    ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
    ("PutBucketNotification", "PutBucketNotificationConfiguration"),
];

struct Case {
    service: &'static Service,
    protocol: Protocol,
    line: Value,
}

impl Case {
    fn new(line: Value) -> Case {
        let service = schema::service(text(&line, "service")).expect("botocore knows the services we import");
        let protocol = protocol(service, text(&line, "protocol"));
        assert!(service.protocols.contains(&protocol), "{} speaks {protocol:?}", service.name);
        Case { service, protocol, line }
    }

    fn operation(&self) -> &'static Operation {
        let name = text(&self.line, "operation");
        self.service.operation(name).unwrap_or_else(|| panic!("{} has no {name}", self.service.name))
    }
}

fn protocol(service: &Service, name: &str) -> Protocol {
    match name {
        "json" if service.protocols.contains(&Protocol::AwsJson10) => Protocol::AwsJson10,
        "json" => Protocol::AwsJson11,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "query" => Protocol::Query,
        "smithy-rpc-v2-cbor" => Protocol::Cbor,
        other => panic!("no protocol {other}"),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value} is no text"))
}

fn python() -> Option<PathBuf> {
    if let Some(python) = std::env::var_os("EDDY_TEST_PYTHON") {
        return Some(python.into());
    }
    assert!(std::env::var_os("CI").is_none(), "EDDY_TEST_PYTHON names no Python with botocore");
    tell("botocore: skipped: EDDY_TEST_PYTHON names no Python with botocore; `cargo xtask test` sets it");
    None
}

/// Past the capture of the test runner: how much was compared is worth a line in every run.
fn tell(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr is there");
}

#[test]
fn botocore_agrees() {
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/oracle.py");
    let mut judge = Command::new(python)
        .arg("-B")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("EDDY_TEST_PYTHON is a Python");
    let outcome = talk(&mut judge);
    let status = judge.wait().expect("it was started");
    assert!(status.success(), "the oracle ended with {status}");
    outcome.report();
}

/// What was tried, and what went wrong.
#[derive(Default)]
struct Outcome {
    /// Pairs of service and protocol, with the operations read and written in each.
    operations: BTreeMap<String, BTreeSet<String>>,
    requests: usize,
    answers: usize,
    errors: usize,
    failed: Vec<String>,
}

impl Outcome {
    fn report(&self) {
        let pairs: usize = self.operations.values().map(BTreeSet::len).sum();
        tell(&format!(
            "botocore: {pairs} pairs of operation and protocol in {} pairs of service and protocol; {} requests \
             read, {} answers and {} errors written; {} differ",
            self.operations.len(),
            self.requests,
            self.answers,
            self.errors,
            self.failed.len()
        ));
        let shown: Vec<&str> = self.failed.iter().take(20).map(String::as_str).collect();
        assert!(self.failed.is_empty(), "{} differ:\n{}", self.failed.len(), shown.join("\n"));
    }
}

fn talk(judge: &mut Child) -> Outcome {
    let mut outcome = Outcome::default();
    let mut replies = Vec::new();
    let mut lines = BufReader::new(judge.stdout.take().expect("piped")).lines();
    loop {
        let line = lines.next().expect("the oracle says when it has ended").expect("UTF-8");
        let line: Value = serde_json::from_str(&line).expect("the oracle speaks JSON");
        if line["kind"] == "end" {
            break;
        }
        let case = Case::new(line);
        let pair = format!("{} {:?}", case.service.name, case.protocol);
        match text(&case.line, "kind") {
            "request" => {
                outcome.requests += 1;
                outcome.operations.entry(pair).or_default().insert(text(&case.line, "operation").to_owned());
                if let Err(why) = check_request(&case) {
                    outcome.failed.push(format!("{} {why}", name(&case)));
                }
            }
            "answer" => {
                outcome.answers += 1;
                replies.push(write_answer(&case));
            }
            "events" => {
                outcome.answers += 1;
                replies.push(write_events(&case));
            }
            "error" => {
                outcome.errors += 1;
                replies.push(write_error(&case));
            }
            other => panic!("no case {other}"),
        }
    }
    let mut input = judge.stdin.take().expect("piped");
    for reply in replies {
        writeln!(input, "{}", line_of(&reply)).expect("the oracle reads");
    }
    drop(input);
    let verdict = lines.next().expect("a verdict").expect("UTF-8");
    let verdict: Value = serde_json::from_str(&verdict).expect("the oracle speaks JSON");
    let failed = verdict["failed"].as_array().expect("a list").iter();
    outcome.failed.extend(failed.map(|why| why.as_str().unwrap_or_default().to_owned()));
    outcome
}

fn name(case: &Case) -> String {
    format!(
        "{} {:?} {} {}",
        case.service.name,
        case.protocol,
        text(&case.line, "operation"),
        text(&case.line, "variant")
    )
}

fn line_of(response: &Response<Bytes>) -> Value {
    let headers = response.headers().iter();
    let headers =
        headers.map(|(key, value)| json!([key.as_str(), String::from_utf8_lossy(value.as_bytes())]));
    json!({
        "status": response.status().as_u16(),
        "headers": headers.collect::<Vec<_>>(),
        "body": BASE64.encode(response.body()),
    })
}

/// What botocore sends is routed to its operation and reads as the input that it was given.
fn check_request(case: &Case) -> Result<(), String> {
    let mut request =
        http::Request::builder().method(text(&case.line, "method")).uri(text(&case.line, "uri"));
    for header in case.line["headers"].as_array().expect("a list") {
        let part = |at: usize| header[at].as_str().expect("text");
        request = request.header(part(0), part(1).as_bytes());
    }
    let head = request.body(()).map_err(|why| why.to_string())?.into_parts().0;
    let body = Bytes::from(BASE64.decode(text(&case.line, "body")).expect("base64"));
    let shown = || format!("{} {:?} {:?}", head.uri, head.headers, body);
    let routed = route(case.service, case.protocol, &head, Some(&body), None)
        .map_err(|why| format!("{why}: {}", shown()))?;
    let asked = case.operation();
    let is_twin = TWINS.contains(&(asked.name, routed.operation.name));
    if !is_twin && routed.operation.name != asked.name {
        return Err(format!("was routed to {}: {}", routed.operation.name, shown()));
    }
    let document =
        decode(&routed, case.protocol, &head, body.clone()).map_err(|why| format!("{why}: {}", shown()))?;
    // Whatever it says to made-up values, it has to come through.
    let _ = validate(asked, &document);
    let found = to_json(&document);
    match difference(&case.line["value"], &found, "") {
        Some(_) if is_twin => Ok(()),
        Some(differs) => Err(format!("{differs}, read from {}", shown())),
        None => Ok(()),
    }
}

/// Where what was read is not what was sent.
fn difference(expected: &Value, found: &Value, path: &str) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            let of =
                |object: &serde_json::Map<String, Value>, key| object.get(key).cloned().unwrap_or_default();
            keys.into_iter()
                .find_map(|key| difference(&of(expected, key), &of(found, key), &format!("{path}.{key}")))
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(at, (value, found))| difference(value, found, &format!("{path}.{at}")))
        }
        _ if expected == found => None,
        _ => Some(format!("{path}: expected {expected}, found {found}")),
    }
}

fn write_answer(case: &Case) -> Response<Bytes> {
    let operation = case.operation();
    let document = match operation.output {
        Some(shape) => from_json(shape.get(), &case.line["value"]),
        None => Document::Null,
    };
    encode(operation, case.protocol, document, "request-id")
}

fn write_events(case: &Case) -> Response<Bytes> {
    let operation = case.operation();
    let mut response = encode(operation, case.protocol, Document::Null, "request-id");
    let stream = operation.event_stream_output().expect("a stream").shape.get();
    let mut body = BytesMut::from(&response.body()[..]);
    for event in case.line["value"]["events"].as_array().expect("a list") {
        let Document::Struct(event) = from_json(stream, event) else { panic!("{event} is no structure") };
        body.extend_from_slice(&event_stream::event(case.protocol, &event).expect("one event"));
    }
    *response.body_mut() = body.freeze();
    response
}

fn write_error(case: &Case) -> Response<Bytes> {
    let mut error = Error::new(text(&case.line, "operation").to_owned(), "the <message>");
    for (field, value) in case.line["value"].as_object().expect("an object") {
        let (_, member) = case
            .service
            .error(&error.code)
            .expect("the model's error")
            .shape
            .get()
            .structure()
            .member(field)
            .expect("its member");
        error = error.with(field.clone(), field_text(member.shape.get(), value));
    }
    encode_error(case.service, case.protocol, &error, "request-id", false)
}

/// A field as those who make errors give it: single values as text, the others as JSON.
fn field_text(shape: &'static Shape, value: &Value) -> String {
    match (&shape.kind, value) {
        (_, Value::String(text)) => text.clone(),
        (Kind::Time(_), time) => Timestamp::from_millis(time["$t"].as_i64().expect("milliseconds")).iso8601(),
        (_, value) => plain(value).to_string(),
    }
}

/// Typed JSON as the JSON of the wire.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => match (object.get("$b"), object.get("$t")) {
            (Some(bytes), _) => bytes.clone(),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century")]
            (_, Some(millis)) => json!(millis.as_i64().expect("milliseconds") as f64 / 1000.0),
            _ => Value::Object(object.iter().map(|(key, inner)| (key.clone(), plain(inner))).collect()),
        },
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        single => single.clone(),
    }
}

/// A document as typed JSON.
fn to_json(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => json!(value),
        Document::Int(value) => json!(value),
        Document::Float(value) => json!(value),
        Document::Text(value) => json!(value),
        Document::Blob(value) => json!({ "$b": BASE64.encode(value) }),
        Document::Time(value) => json!({ "$t": value.millis() }),
        Document::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Document::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), to_json(value))).collect())
        }
        Document::Struct(value) => Value::Object(
            value.iter().map(|(member, value)| (member.name.to_owned(), to_json(value))).collect(),
        ),
    }
}

/// Typed JSON as a document of a shape.
fn from_json(shape: &'static Shape, value: &Value) -> Document {
    match (&shape.kind, value) {
        (_, Value::Null) => Document::Null,
        (Kind::Bool, Value::Bool(value)) => Document::Bool(*value),
        (Kind::Integer | Kind::Long, Value::Number(number)) => {
            Document::Int(number.as_i64().expect("an integer"))
        }
        (Kind::Float | Kind::Double, Value::Number(number)) => {
            Document::Float(number.as_f64().expect("a float"))
        }
        (Kind::Text, Value::String(text)) => Document::Text(text.clone()),
        (Kind::Blob, Value::Object(_)) => {
            Document::Blob(BASE64.decode(text(value, "$b")).expect("base64").into())
        }
        (Kind::Time(_), Value::Object(time)) => {
            Document::Time(Timestamp::from_millis(time["$t"].as_i64().expect("milliseconds")))
        }
        (Kind::List(list), Value::Array(items)) => {
            Document::List(items.iter().map(|item| from_json(list.element.get(), item)).collect())
        }
        (Kind::Map(map), Value::Object(entries)) => Document::Map(
            entries.iter().map(|(key, value)| (key.clone(), from_json(map.value.get(), value))).collect(),
        ),
        (Kind::Struct(structure), Value::Object(members)) => {
            let mut made = Struct::new(shape);
            for (name, value) in members {
                let (_, member) = structure.member(name).unwrap_or_else(|| panic!("{name} of {shape:?}"));
                made.set(name, from_json(member.shape.get(), value));
            }
            Document::Struct(made)
        }
        (kind, value) => panic!("{value} is no {kind:?}"),
    }
}
