//! Requests that experiments have in common.

use std::io::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::http::Connection;
use crate::server::Server;

/// Why a request did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// No whole answer came: what became of it nobody knows.
    Unanswered(String),
    /// The server said no.
    Refused(String),
}

impl From<Failure> for String {
    fn from(failure: Failure) -> String {
        match failure {
            Failure::Unanswered(why) => format!("no answer: {why}"),
            Failure::Refused(why) => why,
        }
    }
}

/// A request that must succeed; gives the body of its answer.
pub async fn expect(
    connection: &mut Connection,
    service: &str,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Bytes,
) -> Result<Bytes, Failure> {
    let answer = connection.ask(service, method, path, headers, body).await.map_err(Failure::Unanswered)?;
    if answer.status.is_success() && answer.error_type.is_none() {
        return Ok(answer.body);
    }
    Err(Failure::Refused(format!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body))))
}

/// An operation of CloudWatch Logs.
pub async fn logs(connection: &mut Connection, verb: &str, document: &Value) -> Result<Value, Failure> {
    let target = format!("Logs_20140328.{verb}");
    let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
    let body = Bytes::from(document.to_string());
    let answer = expect(connection, "logs", Method::POST, "/", &headers, body).await?;
    // Most of its operations answer with nothing.
    Ok(serde_json::from_slice(&answer).unwrap_or_default())
}

/// An operation of Lambda.
pub async fn lambda(
    connection: &mut Connection,
    method: Method,
    path: &str,
    document: &Value,
) -> Result<Bytes, Failure> {
    let path = format!("/2015-03-31/functions{path}");
    expect(connection, "lambda", method, &path, &[], Bytes::from(document.to_string())).await
}

/// Makes a function of one file.
pub async fn function(server: &Server, name: &str, code: &str) -> Result<(), String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    let document = creation(name, &server.python()?, code)?;
    lambda(&mut connection, Method::POST, "", &document).await?;
    Ok(())
}

/// What asks for a function of one file.
pub fn creation(name: &str, runtime: &str, code: &str) -> Result<Value, String> {
    Ok(json!({
        "FunctionName": name, "Runtime": runtime, "Handler": "index.handler", "Timeout": 10,
        "Role": "arn:aws:iam::000000000000:role/ledger", "Code": { "ZipFile": STANDARD.encode(package(code)?) },
    }))
}

/// The same bytes for the same code.
pub fn package(code: &str) -> Result<Vec<u8>, String> {
    zipped(code).map_err(|why| why.to_string())
}

fn zipped(code: &str) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("index.py", zip::write::SimpleFileOptions::default().unix_permissions(0o644))?;
    zip.write_all(code.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}
