//! Small puts beside the group-commit floor, and a large one beside a pipe with the same hashes.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use md5::Digest;
use ring::digest;

use super::figures::{Row, anonymous_kib, cpu, rate, spread};
use super::floor;
use crate::http::Connection;
use crate::prove::things::BUCKET;
use crate::server::Server;

const CLIENTS: u64 = 64;
const SPAN: Duration = Duration::from_secs(5);
const LARGE_BYTES: usize = 64 * 1024 * 1024;
const LARGE_ROUNDS: u32 = 5;

/// 1 KiB from 64 clients.
pub async fn small(server: &Server, scratch: &Path) -> Result<Vec<Row>, String> {
    let key = Arc::new(server.key()?);
    let mut first = Connection::open(server.address, key.clone()).await?;
    first.ask("s3", Method::PUT, &format!("/{BUCKET}"), &[], Bytes::new()).await?;
    let (used, over) = (cpu(server.pid()), Instant::now() + SPAN);
    let mut writers = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let connection = Connection::open(server.address, key.clone()).await?;
        writers.spawn(put_until(connection, client, over));
    }
    let mut took = Vec::new();
    while let Some(spans) = writers.join_next().await {
        took.extend(spans.map_err(|why| why.to_string())??);
    }
    let used = cpu(server.pid()).saturating_sub(used);
    let puts = took.len() as u64;
    let limit = floor::rate(scratch, CLIENTS, 1024, SPAN)?;
    let puts_rate = rate(puts, SPAN);
    let each = used.as_micros() as u64 / puts.max(1);
    Ok(vec![
        Row::new(
            "1 KiB PutObject, 64 clients",
            format!("{puts_rate:.0}/s"),
            format!("{:.2} of {limit:.0}/s, target 0.50", puts_rate / limit),
        ),
        Row::new("  CPU of the server a put", format!("{each} us"), "target 250 us"),
        Row::new("  latency", spread(&mut took), ""),
    ])
}

async fn put_until(mut connection: Connection, client: u64, over: Instant) -> Result<Vec<Duration>, String> {
    let body = Bytes::from(vec![7; 1024]);
    let mut spans = Vec::new();
    while Instant::now() < over {
        let path = format!("/{BUCKET}/{client}/{}", spans.len());
        let begun = Instant::now();
        let answer = connection.ask("s3", Method::PUT, &path, &[], body.clone()).await?;
        if !answer.status.is_success() {
            return Err(String::from_utf8_lossy(&answer.body).into_owned());
        }
        spans.push(begun.elapsed());
    }
    Ok(spans)
}

/// 64 MiB, one client.
pub async fn large(server: &Server, scratch: &Path) -> Result<Vec<Row>, String> {
    let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
    connection.ask("s3", Method::PUT, &format!("/{BUCKET}"), &[], Bytes::new()).await?;
    let body = Bytes::from(vec![7; LARGE_BYTES]);
    let before = anonymous_kib(server.pid());
    let (mut ours, mut pipe) = (Duration::ZERO, Duration::ZERO);
    for round in 0..LARGE_ROUNDS {
        let begun = Instant::now();
        let path = format!("/{BUCKET}/large{round}");
        let answer = connection.ask("s3", Method::PUT, &path, &[], body.clone()).await?;
        if !answer.status.is_success() {
            return Err(String::from_utf8_lossy(&answer.body).into_owned());
        }
        ours += begun.elapsed();
        pipe += hashed_and_synced(&body, scratch).map_err(|why| why.to_string())?;
    }
    let grown = anonymous_kib(server.pid()).saturating_sub(before) / 1024;
    let mib_rate = rate(u64::from(LARGE_ROUNDS) * 64, ours);
    let beside = format!("{:.2} of the pipe, target 0.60", pipe.as_secs_f64() / ours.as_secs_f64());
    Ok(vec![
        Row::new("64 MiB PutObject", format!("{mib_rate:.0} MiB/s"), beside),
        Row::new("  memory grown by", format!("{grown} MiB"), "target flat"),
    ])
}

/// A pipe that reads, makes MD5 and SHA-256, writes and syncs: what such a put cannot do without.
pub(super) fn hashed_and_synced(body: &[u8], scratch: &Path) -> std::io::Result<Duration> {
    let (mut reader, mut writer) = std::io::pipe()?;
    let mut file = File::create(scratch.join("pipe"))?;
    let begun = Instant::now();
    std::thread::scope(|scope| -> std::io::Result<()> {
        scope.spawn(move || writer.write_all(body));
        let (mut md5, mut sha256) = (md5::Md5::new(), digest::Context::new(&digest::SHA256));
        let mut chunk = vec![0; 128 * 1024];
        loop {
            let read = std::io::Read::read(&mut reader, &mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            md5.update(&chunk[..read]);
            sha256.update(&chunk[..read]);
            file.write_all(&chunk[..read])?;
        }
    })?;
    rustix::fs::fdatasync(file.as_fd())?;
    Ok(begun.elapsed())
}
