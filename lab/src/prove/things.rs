//! The things of the ledger on the server: what they are called, what is in them, how they are asked for.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::ledger::{State, Thing};
use crate::ask::{self, Failure};
use crate::http::Connection;
use crate::server::Server;

pub const BUCKET: &str = "ledger";
/// The bucket that tells [`FUNCTION`] of what is made in it.
pub const NOTED: &str = "ledger-noted";
pub const FUNCTION: &str = "ledger";
pub const GROUP: &str = "ledger";
const STREAM: &str = "lines";

/// How many lines one PutLogEvents has.
pub const LINES: usize = 3;
/// Revision 0 is made, 1 has other code, 2 another description.
pub const FUNCTION_REVISION_MAX: u32 = 2;

/// Object sizes: in the row, at its border, in a file.
const SIZES: [usize; 8] = [10, 1024, 65_536, 1, 300_000, 5000, 65_537, 100];
/// The parts of what is assembled; all but the last have at least 5 MiB.
const PARTS: [usize; 2] = [5 * 1024 * 1024, 70_000];

/// The function of the ledger: says which event it got, or answers what it is asked. Standard library only.
const CODE: &str = "def handler(event, context):
    for record in event.get('Records', []):
        print('noticed', int(record['s3']['object']['key']))
    if 'n' in event:
        print('delivered', event['n'])
    return event.get('echo')
";

const NOTIFICATION: &str = "<NotificationConfiguration><CloudFunctionConfiguration>\
    <CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:ledger</CloudFunction>\
    <Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration></NotificationConfiguration>";

/// Makes buckets, log group and function.
pub async fn prepare(server: &Server) -> Result<(), String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    let connection = &mut connection;
    for bucket in [BUCKET, NOTED] {
        ask::expect(connection, "s3", Method::PUT, &format!("/{bucket}"), &[], Bytes::new()).await?;
    }
    ask::logs(connection, "CreateLogGroup", &json!({ "logGroupName": GROUP })).await?;
    let stream = json!({ "logGroupName": GROUP, "logStreamName": STREAM });
    ask::logs(connection, "CreateLogStream", &stream).await?;
    ask::function(server, FUNCTION, CODE).await?;
    let permission = json!({
        "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
        "SourceArn": format!("arn:aws:s3:::{NOTED}"),
    });
    ask::lambda(connection, Method::POST, &format!("/{FUNCTION}/policy"), &permission).await?;
    let path = format!("/{NOTED}?notification");
    let body = Bytes::from_static(NOTIFICATION.as_bytes());
    ask::expect(connection, "s3", Method::PUT, &path, &[], body).await?;
    Ok(())
}

/// Asks for a state of a thing that one request can bring about.
pub async fn change(
    connection: &mut Connection,
    runtime: &str,
    thing: Thing,
    state: State,
) -> Result<(), Failure> {
    match thing {
        Thing::Object(_) | Thing::Assembled(_) | Thing::Noted(_) => {
            let path = object_path(thing);
            let (method, body) = match state {
                State::Whole(revision) => (Method::PUT, content(thing, revision)),
                State::Absent => (Method::DELETE, Bytes::new()),
            };
            ask::expect(connection, "s3", method, &path, &[], body).await?;
        }
        Thing::Function(number) => change_function(connection, runtime, number, state).await?,
        Thing::Lines(number) => {
            let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let at = u64::try_from(at.as_millis()).unwrap_or(0);
            let lines =
                (0..LINES).map(|n| json!({ "timestamp": at, "message": format!("line {number} {n}") }));
            let lines: Vec<Value> = lines.collect();
            let document = json!({ "logGroupName": GROUP, "logStreamName": STREAM, "logEvents": lines });
            ask::logs(connection, "PutLogEvents", &document).await?;
        }
        Thing::Event(number) | Thing::Notice(number) => {
            let path = format!("/2015-03-31/functions/{FUNCTION}/invocations");
            let body = Bytes::from(json!({ "n": number }).to_string());
            let headers = [("x-amz-invocation-type", "Event")];
            ask::expect(connection, "lambda", Method::POST, &path, &headers, body).await?;
        }
    }
    Ok(())
}

async fn change_function(
    connection: &mut Connection,
    runtime: &str,
    number: u64,
    state: State,
) -> Result<(), Failure> {
    let name = function_name(number);
    let (method, path, document) = match state {
        State::Absent => (Method::DELETE, format!("/{name}"), Value::Null),
        State::Whole(0) => {
            let document = ask::creation(&name, runtime, &code(number, 0)).map_err(Failure::Refused)?;
            (Method::POST, String::new(), document)
        }
        State::Whole(1) => {
            let zip = ask::package(&code(number, 1)).map_err(Failure::Refused)?;
            (Method::PUT, format!("/{name}/code"), json!({ "ZipFile": STANDARD.encode(zip) }))
        }
        State::Whole(revision) => {
            (Method::PUT, format!("/{name}/configuration"), json!({ "Description": description(revision) }))
        }
    };
    ask::lambda(connection, method, &path, &document).await?;
    Ok(())
}

/// Begins a multipart upload and sends its parts; gives its id and the etags.
pub async fn upload_parts(
    connection: &mut Connection,
    number: u64,
) -> Result<(String, Vec<String>), Failure> {
    let path = object_path(Thing::Assembled(number));
    let begun =
        ask::expect(connection, "s3", Method::POST, &format!("{path}?uploads"), &[], Bytes::new()).await?;
    let begun = String::from_utf8_lossy(&begun).into_owned();
    let id = begun.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>"));
    let (id, _) = id.ok_or_else(|| Failure::Refused(format!("no upload id in {begun}")))?;
    let (whole, mut from, mut etags) = (content(Thing::Assembled(number), 0), 0, Vec::new());
    for (index, size) in PARTS.into_iter().enumerate() {
        let path = format!("{path}?partNumber={}&uploadId={id}", index + 1);
        let part = whole.slice(from..from + size);
        let etag: String = Md5::digest(&part).iter().map(|byte| format!("{byte:02x}")).collect();
        ask::expect(connection, "s3", Method::PUT, &path, &[], part).await?;
        etags.push(etag);
        from += size;
    }
    Ok((id.to_owned(), etags))
}

/// Completes an upload.
pub async fn complete(
    connection: &mut Connection,
    number: u64,
    (id, etags): &(String, Vec<String>),
) -> Result<(), Failure> {
    let path = format!("{}?uploadId={id}", object_path(Thing::Assembled(number)));
    let parts = etags.iter().enumerate().map(|(index, etag)| {
        format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", index + 1)
    });
    let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
    let answer = ask::expect(connection, "s3", Method::POST, &path, &[], Bytes::from(body)).await?;
    // A completion that fails late says so under a status of success.
    let answer = String::from_utf8_lossy(&answer);
    if answer.contains("<Error>") { Err(Failure::Refused(answer.into_owned())) } else { Ok(()) }
}

/// Asks the ledger's function and waits for its answer.
pub async fn invoke(connection: &mut Connection, number: u64) -> Result<String, Failure> {
    let path = format!("/{FUNCTION}/invocations");
    let answer = ask::lambda(connection, Method::POST, &path, &json!({ "echo": number })).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where an object lies; what else has a number lies nowhere.
pub fn object_path(thing: Thing) -> String {
    match thing {
        Thing::Object(number) => format!("/{BUCKET}/plain/{number:012}"),
        Thing::Assembled(number) => format!("/{BUCKET}/assembled/{number:012}"),
        Thing::Noted(number) => format!("/{NOTED}/{number:012}"),
        Thing::Function(_) | Thing::Lines(_) | Thing::Event(_) | Thing::Notice(_) => String::new(),
    }
}

/// What is in an object: its number and revision again and again, so that a torn one is seen.
pub fn content(thing: Thing, revision: u32) -> Bytes {
    let (number, size) = match thing {
        Thing::Assembled(number) => (number, PARTS.iter().sum()),
        Thing::Noted(number) => (number, SIZES[5]),
        Thing::Object(number)
        | Thing::Function(number)
        | Thing::Lines(number)
        | Thing::Event(number)
        | Thing::Notice(number) => {
            // The revisions of one object have sizes of their own.
            let index = usize::try_from(number + 3 * u64::from(revision)).unwrap_or(0);
            (number, SIZES[index % SIZES.len()])
        }
    };
    let word = format!("{number:012} {revision:02} ");
    let mut content = word.repeat(size / word.len() + 1).into_bytes();
    content.truncate(size);
    Bytes::from(content)
}

pub fn function_name(number: u64) -> String {
    format!("made-{number:012}")
}

/// A function that answers with its number and the revision of its code.
fn code(number: u64, revision: u32) -> String {
    format!("def handler(event, context):\n    return [{number}, {revision}]\n")
}

fn description(revision: u32) -> String {
    format!("revision {revision}")
}

/// Which revision of a function a configuration is, as GetFunction gives it; none when it is no revision at all.
pub fn function_revision(number: u64, configuration: &Value) -> Option<u32> {
    let text = |name: &str| configuration[name].as_str().unwrap_or_default();
    if text("State") != "Active" || text("LastUpdateStatus") != "Successful" {
        return None;
    }
    (0..=FUNCTION_REVISION_MAX).find(|revision| {
        let is_described = text("Description") == if *revision == 2 { description(2) } else { String::new() };
        let package = ask::package(&code(number, (*revision).min(1))).unwrap_or_default();
        let sum = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, &package));
        is_described && text("CodeSha256") == sum
    })
}

/// What a function of this revision answers.
pub fn function_answer(number: u64, revision: u32) -> String {
    format!("[{number}, {}]", revision.min(1))
}
