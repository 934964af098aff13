//! Warm invocations, and the way from an upload to the start of its function.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http_body_util::Full;

use super::figures::{Row, rate, spread};
use crate::ask;
use crate::http::Connection;
use crate::prove::things::{self, FUNCTION};
use crate::server::Server;

/// The function behind the HTTP API.
const HELLO: &str = "hello";
const ROUNDS: usize = 2000;
const CLIENTS: usize = 16;
const SPAN: Duration = Duration::from_secs(5);

/// Signed Invoke and an HTTP API, one client; then sixteen.
pub async fn warm(server: &Server) -> Result<Vec<Row>, String> {
    things::prepare(server).await?;
    let key = Arc::new(server.key()?);
    let mut connection = Connection::open(server.address, key.clone()).await?;
    let path = format!("/2015-03-31/functions/{FUNCTION}/invocations");
    let mut took = Vec::new();
    for round in 0..ROUNDS + 50 {
        let begun = Instant::now();
        invoke(&mut connection, &path).await?;
        if round >= 50 {
            took.push(begun.elapsed());
        }
    }
    let mut rows =
        vec![Row::new("warm Python invoke, signed, 1 client", spread(&mut took), "target p50 1.0 ms")];
    ask::function(
        server,
        HELLO,
        "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n",
    )
    .await?;
    let url = http_api(server).await?;
    let mut took = Vec::new();
    for round in 0..ROUNDS + 50 {
        let begun = Instant::now();
        let request = http::Request::post(&url).header("content-type", "application/json");
        let request = request
            .header("host", server.address.to_string())
            .body(Full::new(Bytes::from_static(b"{\"n\":1}")));
        let answer = connection.send(request.map_err(|why| why.to_string())?).await?;
        if !answer.status.is_success() {
            return Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
        }
        if round >= 50 {
            took.push(begun.elapsed());
        }
    }
    rows.push(Row::new("warm Python through an HTTP API, 1 client", spread(&mut took), "target p50 1.0 ms"));
    rows.extend(many(server, &path).await?);
    Ok(rows)
}

async fn invoke(connection: &mut Connection, path: &str) -> Result<(), String> {
    let answer = connection.ask("lambda", Method::POST, path, &[], Bytes::from_static(b"{\"n\":1}")).await?;
    match answer.error_type {
        None if answer.status.is_success() => Ok(()),
        _ => Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))),
    }
}

async fn many(server: &Server, path: &str) -> Result<Vec<Row>, String> {
    let key = Arc::new(server.key()?);
    let over = Instant::now() + SPAN;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (mut connection, path) = (Connection::open(server.address, key.clone()).await?, path.to_owned());
        clients.spawn(async move {
            let (mut spans, mut errors) = (Vec::new(), Vec::new());
            while Instant::now() < over {
                let begun = Instant::now();
                match invoke(&mut connection, &path).await {
                    Ok(()) => spans.push(begun.elapsed()),
                    Err(why) => errors.push(why),
                }
            }
            (spans, errors)
        });
    }
    let (mut took, mut failed) = (Vec::new(), Vec::new());
    while let Some(done) = clients.join_next().await {
        let (spans, errors) = done.map_err(|why| why.to_string())?;
        took.extend(spans);
        failed.extend(errors);
    }
    if let Some(first) = failed.first() {
        eprintln!("the first of {} errors: {first}", failed.len());
    }
    let per_second = format!("{:.0}/s", rate(took.len() as u64, SPAN));
    let (alive, made) = environments(server).await?;
    Ok(vec![
        Row::new("warm Python invoke, signed, 16 clients", per_second, spread(&mut took)),
        Row::new("  environments alive behind them", alive.to_string(), format!("limit {CLIENTS}")),
        Row::new("  environments made for them, ever", made.to_string(), format!("limit {CLIENTS}")),
        Row::new("  invocations that failed", failed.len().to_string(), "limit 0"),
    ])
}

/// How many environments of the function live, as the server's metrics tell, and how many have worked at all: each has
/// a log stream of its own. Idle ones stay for longer than this takes, so neither misses one that was there.
async fn environments(server: &Server) -> Result<(u64, usize), String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    let request = http::Request::get("/_eddy/metrics").header("host", server.address.to_string());
    let request = request.body(Full::new(Bytes::new())).map_err(|why| why.to_string())?;
    let metrics = connection.send(request).await?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let head = format!("eddy_environments{{function=\"{FUNCTION}\"}} ");
    let alive = metrics.lines().find_map(|line| line.strip_prefix(&head)?.trim().parse().ok());
    let alive = alive.ok_or_else(|| format!("no line `{head}` in the metrics"))?;
    let asked = serde_json::json!({ "logGroupName": format!("/aws/lambda/{FUNCTION}"), "limit": 50 });
    let streams = ask::logs(&mut connection, "DescribeLogStreams", &asked).await?;
    let made = streams["logStreams"].as_array().map(Vec::len);
    Ok((alive, made.ok_or_else(|| format!("no log streams: {streams}"))?))
}

/// An HTTP API in front of the function; gives its path on the server.
async fn http_api(server: &Server) -> Result<String, String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{HELLO}");
    let document = serde_json::json!({ "name": "bench", "protocolType": "HTTP", "target": arn });
    let body = Bytes::from(document.to_string());
    let headers = [("content-type", "application/json")];
    let answer = connection.ask("apigateway", Method::POST, "/v2/apis", &headers, body).await?;
    let api: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|why| why.to_string())?;
    let id = api["apiId"].as_str().ok_or_else(|| format!("no API: {api}"))?;
    let permission = serde_json::json!({
        "StatementId": "bench", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
    });
    let path = format!("/2015-03-31/functions/{HELLO}/policy");
    ask::expect(&mut connection, "lambda", Method::POST, &path, &[], Bytes::from(permission.to_string()))
        .await?;
    Ok(format!("/_eddy/api/{id}/"))
}

/// From the start of a 1 KiB upload to the start of the function that it triggers, by one clock: the function
/// prints its own, and both are this machine's.
pub async fn event(server: &Server) -> Result<Vec<Row>, String> {
    things::prepare(server).await?;
    ask::function(server, "clock", CLOCK).await?;
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    let permission = serde_json::json!({
        "StatementId": "bench", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
    });
    let path = "/2015-03-31/functions/clock/policy";
    ask::expect(&mut connection, "lambda", Method::POST, path, &[], Bytes::from(permission.to_string()))
        .await?;
    let path = format!("/{}?notification", things::BUCKET);
    ask::expect(&mut connection, "s3", Method::PUT, &path, &[], Bytes::from_static(NOTIFICATION.as_bytes()))
        .await?;
    let mut took = Vec::new();
    for round in 0..UPLOADS {
        let begun = unix_micros();
        let path = format!("/{}/timed/{round}", things::BUCKET);
        ask::expect(&mut connection, "s3", Method::PUT, &path, &[], Bytes::from(vec![7; 1024])).await?;
        let started = started_at(&mut connection, round).await?;
        took.push(Duration::from_micros(started.saturating_sub(begun)));
    }
    let mut warm = took.split_off(10);
    Ok(vec![Row::new("upload to function start, warm", spread(&mut warm), "target p50 15 ms")])
}

const UPLOADS: usize = 60;
const CLOCK: &str = "import time\n\n\ndef handler(event, context):\n    \
                     print('started', event['Records'][0]['s3']['object']['key'], int(time.time() * 1e6))\n";
const NOTIFICATION: &str = "<NotificationConfiguration><CloudFunctionConfiguration>\
    <CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:clock</CloudFunction>\
    <Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration></NotificationConfiguration>";

fn unix_micros() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Asks the function's log until the line of this upload is there.
async fn started_at(connection: &mut Connection, round: usize) -> Result<u64, String> {
    let query = serde_json::json!({
        "logGroupName": "/aws/lambda/clock", "filterPattern": format!("\"timed/{round} \""),
    });
    let headers =
        [("x-amz-target", "Logs_20140328.FilterLogEvents"), ("content-type", "application/x-amz-json-1.1")];
    let ends = Instant::now() + Duration::from_secs(20);
    while Instant::now() < ends {
        let answer =
            connection.ask("logs", Method::POST, "/", &headers, Bytes::from(query.to_string())).await?;
        let page: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let message = page["events"][0]["message"].as_str();
        if let Some(micros) = message.and_then(|line| line.split_whitespace().last()?.parse().ok()) {
            return Ok(micros);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(format!("upload {round} started no function"))
}
