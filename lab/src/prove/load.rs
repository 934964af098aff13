//! Mixed load: puts of all sizes, asynchronous invocations, log lines; each acknowledgement goes into the ledger.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use tokio::task::JoinSet;

use super::ledger::{Entry, Ledger};
use crate::http::Connection;
use crate::server::Server;

pub const BUCKET: &str = "ledger";
pub const FUNCTION: &str = "ledger";
pub const GROUP: &str = "ledger";

/// Writers at once, of each kind.
const WRITERS: usize = 8;
/// Object sizes: in the row, at its border, in a file.
const SIZES: [usize; 4] = [10, 1024, 65_536, 300_000];

/// The function of the ledger: says which event it got. Standard library only.
const CODE: &str = "def handler(event, context):\n    print('delivered', event['n'])\n";

/// Makes bucket, log group and function.
pub async fn prepare(server: &Server) -> Result<(), String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    expect(&mut connection, "s3", Method::PUT, &format!("/{BUCKET}"), &[], Bytes::new()).await?;
    logs(&mut connection, "CreateLogGroup", r#"{"logGroupName":"ledger"}"#.to_owned()).await?;
    let stream = r#"{"logGroupName":"ledger","logStreamName":"lines"}"#;
    logs(&mut connection, "CreateLogStream", stream.to_owned()).await?;
    function(server, FUNCTION, CODE).await
}

/// Makes a function of one file.
pub async fn function(server: &Server, name: &str, code: &str) -> Result<(), String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    let zip = package(code).map_err(|why| why.to_string())?;
    let document = serde_json::json!({
        "FunctionName": name, "Runtime": server.python()?, "Handler": "index.handler", "Timeout": 10,
        "Role": "arn:aws:iam::000000000000:role/ledger", "Code": { "ZipFile": STANDARD.encode(zip) },
    });
    let body = Bytes::from(document.to_string());
    expect(&mut connection, "lambda", Method::POST, "/2015-03-31/functions", &[], body).await
}

fn package(code: &str) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("index.py", zip::write::SimpleFileOptions::default().unix_permissions(0o644))?;
    zip.write_all(code.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

/// An operation of CloudWatch Logs.
pub async fn logs(connection: &mut Connection, verb: &str, document: String) -> Result<(), String> {
    let target = format!("Logs_20140328.{verb}");
    let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
    expect(connection, "logs", Method::POST, "/", &headers, Bytes::from(document)).await
}

/// A request that must succeed.
pub async fn expect(
    connection: &mut Connection,
    service: &str,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Bytes,
) -> Result<(), String> {
    let answer = connection.ask(service, method, path, headers, body).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(format!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
}

/// Load that goes on until its server is gone.
pub struct Load {
    writers: JoinSet<()>,
    over: Arc<AtomicBool>,
}

impl Load {
    /// Waits for the last writer to notice that the server is gone.
    pub async fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        while self.writers.join_next().await.is_some() {}
    }
}

/// Starts the writers.
pub async fn start(server: &Server, ledger: Arc<Ledger>) -> Result<Load, String> {
    let (over, key) = (Arc::new(AtomicBool::new(false)), Arc::new(server.key()?));
    let mut writers = JoinSet::new();
    for kind in [Kind::Objects, Kind::Lines, Kind::Events] {
        for _ in 0..WRITERS {
            let connection = Connection::open(server.address, key.clone()).await?;
            writers.spawn(write(kind, connection, ledger.clone(), over.clone()));
        }
    }
    Ok(Load { writers, over })
}

#[derive(Clone, Copy)]
enum Kind {
    Objects,
    Lines,
    Events,
}

/// Writes one after the other until a request has no answer: what became of that one nobody knows.
async fn write(kind: Kind, mut connection: Connection, ledger: Arc<Ledger>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let number = ledger.next();
        let done = match kind {
            Kind::Objects => put(&mut connection, number).await,
            Kind::Lines => line(&mut connection, number).await,
            Kind::Events => event(&mut connection, number).await,
        };
        match done {
            Ok(()) => ledger.acknowledged(match kind {
                Kind::Objects => Entry::Object(number),
                Kind::Lines => Entry::Line(number),
                Kind::Events => Entry::Event(number),
            }),
            Err(_) => return,
        }
    }
}

async fn put(connection: &mut Connection, number: u64) -> Result<(), String> {
    expect(connection, "s3", Method::PUT, &object_path(number), &[], object(number)).await
}

/// Where object `number` lies.
pub fn object_path(number: u64) -> String {
    format!("/{BUCKET}/{number:012}")
}

/// What is in object `number`: its number again and again, so that a torn one is seen.
pub fn object(number: u64) -> Bytes {
    let size = SIZES[usize::try_from(number).unwrap_or(0) % SIZES.len()];
    let mut content = format!("{number:012} ").repeat(size / 13 + 1).into_bytes();
    content.truncate(size);
    Bytes::from(content)
}

async fn line(connection: &mut Connection, number: u64) -> Result<(), String> {
    let at =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let document = serde_json::json!({
        "logGroupName": GROUP, "logStreamName": "lines",
        "logEvents": [{ "timestamp": u64::try_from(at).unwrap_or(0), "message": format!("line {number}") }],
    });
    logs(connection, "PutLogEvents", document.to_string()).await
}

async fn event(connection: &mut Connection, number: u64) -> Result<(), String> {
    let path = format!("/2015-03-31/functions/{FUNCTION}/invocations");
    let body = Bytes::from(format!("{{\"n\":{number}}}"));
    expect(connection, "lambda", Method::POST, &path, &[("x-amz-invocation-type", "Event")], body).await
}
