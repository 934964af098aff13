//! The largest object that there is, in one piece and in parts, through a server whose memory is watched meanwhile.
//!
//! Its bytes are made as they are sent and compared as they come back, so the client holds none of it either.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use eddy_wire::sign;
use http::{Method, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::task::{JoinHandle, JoinSet};

use super::figures::{Row, anonymous_kib, millis, rate};
use super::objects::hashed_and_synced;
use crate::http::Connection;
use crate::prove::things::BUCKET;
use crate::server::Server;

const MIB: u64 = 1 << 20;
const BLOCK_BYTES: u64 = 256 << 10;
const PART_MIB: u32 = 64;
/// Parts under way at the same time.
const CLIENTS: usize = 4;
/// What the server may hold of memory, whatever the size of the object.
const MEMORY_MIB_MAX: u64 = 128;
/// The object may stand on disk twice for a while: what was deleted goes behind the answer.
const DISK_MIB_BESIDE: u64 = 2048;
/// How often memory and disk are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Puts, gets and deletes an object of so many MiB in one piece, then the same in parts.
pub async fn run(data: &Path, mib: u32) -> Result<Vec<Row>, String> {
    let server = Server::start(data, &[])?;
    let key = Arc::new(server.key()?);
    let mut connection = Connection::open(server.address, key.clone()).await?;
    connection.ask("s3", Method::PUT, &format!("/{BUCKET}"), &[], Bytes::new()).await?;
    let pipe = pipe_rate(data)?;
    let idle = anonymous_kib(server.pid()) / 1024;
    let watch = Watch::begin(server.pid(), data.join("store"));
    let size = u64::from(mib) * MIB;
    let mut rows = vec![Row::new("a pipe with MD5, SHA-256 and sync", format!("{pipe:.0} MiB/s"), "")];
    let mut moved = |what: String, took: Duration| {
        let moving = rate(u64::from(mib), took);
        let figure = format!("{:.1} s, {moving:.0} MiB/s", took.as_secs_f64());
        rows.push(Row::new(what, figure, format!("{:.2} of the pipe", moving / pipe)));
    };
    let path = format!("/{BUCKET}/huge");
    let begun = Instant::now();
    sound(connection.flow(Method::PUT, &path, Made::of(0, size)).await?).await?;
    moved(format!("{mib} MiB by one PutObject"), begun.elapsed());
    moved("  GetObject, compared".to_owned(), read_back(&mut connection, &path, size).await?);
    delete(&mut connection, &path).await?;

    let begun = Instant::now();
    let upload = Upload::begin(&mut connection, &path).await?;
    let document = upload.send_parts(&server, &key, size).await?;
    moved(format!("{mib} MiB in parts of {PART_MIB}, {CLIENTS} at a time"), begun.elapsed());
    // The server has closed a connection that idled so long.
    let mut connection = Connection::open(server.address, key).await?;
    let begun = Instant::now();
    upload.complete(&mut connection, document).await?;
    let completed = begun.elapsed();
    moved("  GetObject, compared".to_owned(), read_back(&mut connection, &path, size).await?);
    delete(&mut connection, &path).await?;

    let (memory, disk) = watch.end().await?;
    let disk_max = u64::from(mib) * 2 + DISK_MIB_BESIDE;
    rows.push(Row::new("  completing the parts", millis(completed), "moves no bytes"));
    let beside = format!("{:.2} of {MEMORY_MIB_MAX} MiB; idle {idle} MiB", part_of(memory, MEMORY_MIB_MAX));
    rows.push(Row::new("memory at most (RssAnon)", format!("{memory} MiB"), beside));
    let beside = format!("{:.2} of {disk_max} MiB", part_of(disk, disk_max));
    rows.push(Row::new("disk at most", format!("{disk} MiB"), beside));
    Ok(rows)
}

/// MiB a second of what a put cannot do without.
fn pipe_rate(data: &Path) -> Result<f64, String> {
    let body: Vec<u8> = (0..64 * MIB / BLOCK_BYTES).flat_map(block).collect();
    let scratch = data.parent().ok_or("the data folder has one around it")?;
    let took = hashed_and_synced(&body, scratch).map_err(|why| why.to_string())?;
    Ok(rate(64, took))
}

#[expect(clippy::cast_precision_loss, reason = "figures in MiB are far below 2^52")]
fn part_of(figure: u64, limit: u64) -> f64 {
    figure as f64 / limit as f64
}

/// The answer's body, where it is a success.
async fn sound(response: Response<Incoming>) -> Result<Bytes, String> {
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|why| why.to_string())?.to_bytes();
    if status.is_success() { Ok(body) } else { Err(format!("{status}: {}", String::from_utf8_lossy(&body))) }
}

async fn delete(connection: &mut Connection, path: &str) -> Result<(), String> {
    sound(connection.flow(Method::DELETE, path, Empty::new()).await?).await.map(drop)
}

/// Gets the object and holds each byte against what was sent.
async fn read_back(connection: &mut Connection, path: &str, size: u64) -> Result<Duration, String> {
    let begun = Instant::now();
    let response = connection.flow(Method::GET, path, Empty::new()).await?;
    if !response.status().is_success() {
        return sound(response).await.map(|_| Duration::ZERO);
    }
    let mut body = response.into_body();
    let (mut number, mut expected) = (0, Bytes::new());
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let mut piece = frame.map_err(|why| why.to_string())?.into_data().unwrap_or_default();
        seen += piece.len() as u64;
        while !piece.is_empty() {
            if expected.is_empty() {
                expected = block(number);
                number += 1;
            }
            let length = piece.len().min(expected.len());
            if piece.split_to(length) != expected.split_to(length) {
                return Err(format!("{path}: other bytes than those that were put, in block {}", number - 1));
            }
        }
    }
    if seen == size { Ok(begun.elapsed()) } else { Err(format!("{path}: {seen} bytes of {size}")) }
}

/// Block `number` of the object: like no other one.
fn block(number: u64) -> Bytes {
    let mut bytes = vec![0; usize::try_from(BLOCK_BYTES).expect("a block fits in memory")];
    for (at, word) in (0_u64..).zip(bytes.chunks_exact_mut(8)) {
        let mixed = (number << 32 | at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word.copy_from_slice(&(mixed ^ mixed >> 29).to_le_bytes());
    }
    Bytes::from(bytes)
}

/// A stretch of the object, made as it is sent. It begins and ends with a block.
struct Made {
    next: u64,
    end: u64,
}

impl Made {
    fn of(from: u64, bytes: u64) -> Made {
        Made { next: from / BLOCK_BYTES, end: (from + bytes) / BLOCK_BYTES }
    }
}

impl Body for Made {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next == self.end {
            return Poll::Ready(None);
        }
        self.next += 1;
        Poll::Ready(Some(Ok(Frame::data(block(self.next - 1)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.end - self.next) * BLOCK_BYTES)
    }
}

/// An upload in parts.
struct Upload {
    path: String,
    id: String,
}

impl Upload {
    async fn begin(connection: &mut Connection, path: &str) -> Result<Upload, String> {
        let asked = connection.flow(Method::POST, &format!("{path}?uploads"), Empty::new()).await?;
        let answer = sound(asked).await?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let id = answer.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>"));
        let (id, _) = id.ok_or("the answer to a new upload names none")?;
        Ok(Upload { path: path.to_owned(), id: id.to_owned() })
    }

    /// Gives the document that completes the upload.
    async fn send_parts(
        &self,
        server: &Server,
        key: &Arc<sign::Credentials>,
        size: u64,
    ) -> Result<String, String> {
        let part_bytes = u64::from(PART_MIB) * MIB;
        let parts = size.div_ceil(part_bytes);
        let mut clients = JoinSet::new();
        for first in 0..CLIENTS as u64 {
            let mut connection = Connection::open(server.address, key.clone()).await?;
            let address = format!("{}?uploadId={}", self.path, self.id);
            clients.spawn(async move {
                let mut sent = Vec::new();
                for part in (first..parts).step_by(CLIENTS) {
                    let from = part * part_bytes;
                    let body = Made::of(from, part_bytes.min(size - from));
                    let path = format!("{address}&partNumber={}", part + 1);
                    let response = connection.flow(Method::PUT, &path, body).await?;
                    let etag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
                    let etag = etag.unwrap_or_default().to_owned();
                    sound(response).await?;
                    sent.push((part + 1, etag));
                }
                Ok::<_, String>(sent)
            });
        }
        let mut sent = Vec::new();
        while let Some(done) = clients.join_next().await {
            sent.extend(done.map_err(|why| why.to_string())??);
        }
        sent.sort();
        let part = |(number, etag): &(u64, String)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        };
        let parts: String = sent.iter().map(part).collect();
        Ok(format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"))
    }

    async fn complete(&self, connection: &mut Connection, document: String) -> Result<(), String> {
        let path = format!("{}?uploadId={}", self.path, self.id);
        let answer = connection.ask("s3", Method::POST, &path, &[], Bytes::from(document)).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)))
    }
}

/// Looks at the server's memory and disk until it is ended.
struct Watch {
    over: tokio::sync::oneshot::Sender<()>,
    looking: JoinHandle<(u64, u64)>,
}

impl Watch {
    fn begin(pid: u32, folder: PathBuf) -> Watch {
        let (over, mut ended) = tokio::sync::oneshot::channel();
        let looking = tokio::spawn(async move {
            let (mut memory, mut disk) = (0, 0);
            loop {
                memory = memory.max(anonymous_kib(pid) / 1024);
                disk = disk.max(bytes_below(&folder) / MIB);
                if tokio::time::timeout(LOOK, &mut ended).await.is_ok() {
                    return (memory, disk);
                }
            }
        });
        Watch { over, looking }
    }

    /// The most that there was of both, in MiB.
    async fn end(self) -> Result<(u64, u64), String> {
        // It only ends by this.
        drop(self.over);
        self.looking.await.map_err(|why| why.to_string())
    }
}

/// What the files of a folder take of the disk. Those that go meanwhile count as nothing.
fn bytes_below(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let taken = entries.map(|entry| match entry.metadata() {
        Ok(there) if there.is_dir() => bytes_below(&entry.path()),
        Ok(there) => there.blocks() * 512,
        Err(_) => 0,
    });
    taken.sum()
}
