//! From exec to serving, and what an idle server holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::figures::{Row, anonymous_kib, millis, quantile};
use crate::ask;
use crate::http::Connection;
use crate::prove::things;
use crate::server::Server;

/// How often an empty folder is started.
const STARTS: usize = 10;
/// When idle memory is read.
const IDLE: Duration = Duration::from_secs(10);

pub async fn run(data: &Path, functions: u32, objects: u32) -> Result<Vec<Row>, String> {
    if functions > 0 || objects > 0 {
        return filled(data, functions, objects).await;
    }
    let mut took = Vec::new();
    for attempt in 0..STARTS {
        took.push(Server::start(&data.with_file_name(format!("empty{attempt}")), &[])?.ready_after);
    }
    let server = Server::start(data, &[])?;
    tokio::time::sleep(IDLE).await;
    let memory = format!("{:.1} MiB", kib_to_mib(anonymous_kib(server.pid())));
    Ok(vec![
        Row::new("start to ready, empty folder", millis(quantile(&mut took, 0.5)), "target 100 ms"),
        Row::new("idle memory (RssAnon after 10 s)", memory, "target 40 MiB"),
    ])
}

/// Fills the folder through the API, then starts it again.
async fn filled(data: &Path, functions: u32, objects: u32) -> Result<Vec<Row>, String> {
    let server = Server::start(data, &[])?;
    things::prepare(&server).await?;
    let key = Arc::new(server.key()?);
    let mut writers = tokio::task::JoinSet::new();
    for part in 0..64 {
        let mut connection = Connection::open(server.address, key.clone()).await?;
        writers.spawn(async move {
            for number in (part..objects).step_by(64) {
                let path = format!("/{}/fill/{number:09}", things::BUCKET);
                connection.ask("s3", Method::PUT, &path, &[], Bytes::from_static(b"x")).await?;
            }
            Ok::<(), String>(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done.map_err(|why| why.to_string())??;
    }
    for number in 0..functions {
        ask::function(&server, &format!("fill-{number}"), "def handler(event, context):\n    pass\n").await?;
    }
    server.kill();
    let server = Server::start(data, &[])?;
    let ready = server.ready_after;
    tokio::time::sleep(IDLE).await;
    let memory = format!("{:.1} MiB", kib_to_mib(anonymous_kib(server.pid())));
    let what = format!("start with {functions} functions, {objects} objects");
    Ok(vec![Row::new(what, millis(ready), "target 2 s"), Row::new("idle memory then", memory, "reported")])
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn kib_to_mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
