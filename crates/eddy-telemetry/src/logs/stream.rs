//! Log streams: made, listed, deleted.

use eddy_base::{Code, Fault, Scope, Subject, Timestamp};
use eddy_store::{Batch, Durable, Error, Key, Pos, Snapshot};

use super::group::go_on_if;
use super::{Logs, aside, decode, no_stream, rows};
use crate::keys;

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub name: String,
    pub created: Timestamp,
    /// The oldest and the newest time of its events.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// When something was last written.
    pub ingested: Option<Timestamp>,
}

/// The order of a list of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Name,
    /// By the newest event; streams without one come first.
    LastEvent,
}

/// Which streams of a group are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streams {
    pub prefix: String,
    pub order: Order,
    pub descending: bool,
    /// The stream that a page ended with. It may be gone by now.
    pub after: Option<(Option<Timestamp>, String)>,
    pub max: usize,
}

impl Logs {
    /// # Errors
    /// [`Code::Missing`] when there is no such group, [`Code::Exists`] when there is such a stream; the store's.
    pub async fn create_stream(&self, scope: &Scope, group: &str, name: &str) -> Result<Durable<()>, Fault> {
        let id = self.found(&self.store.snapshot(), scope, group)?.id;
        let row = rows::Stream { created: self.now(), written: None };
        let key = keys::stream(id, name);
        let mut batch = Batch::new();
        batch.absent(key.clone()).put(key, rows::to_bytes(&row));
        self.store.commit(batch, ()).await.map_err(|error| match error {
            Error::Refused(_) => {
                Fault::new(Code::Exists, Subject::LogStream, "The specified log stream already exists")
            }
            other => other.into(),
        })
    }

    /// # Errors
    /// [`Code::Missing`] when there is no such group or stream; the store's.
    pub async fn delete_stream(&self, scope: &Scope, group: &str, name: &str) -> Result<Durable<()>, Fault> {
        let id = self.found(&self.store.snapshot(), scope, group)?.id;
        let key = keys::stream(id, name);
        let mut batch = Batch::new();
        batch.present(key.clone());
        self.delete_rows(&mut batch, id, &key)?;
        self.store.commit(batch, ()).await.map_err(|error| match error {
            Error::Refused(_) => no_stream(),
            other => other.into(),
        })
    }

    /// One stream.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is no such group or stream; the store's.
    pub fn stream(&self, scope: &Scope, group: &str, name: &str) -> Result<(Stream, Pos), Fault> {
        let snapshot = self.store.snapshot();
        let id = self.found(&snapshot, scope, group)?.id;
        let row = snapshot.get(&keys::stream(id, name))?.ok_or_else(no_stream)?;
        Ok((shown(name.to_owned(), decode(&row.value, "a log stream")?), snapshot.pos()))
    }

    /// The streams of a group.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is no such group; the store's.
    pub async fn streams(
        &self,
        scope: &Scope,
        group: &str,
        wanted: Streams,
    ) -> Result<(Vec<Stream>, Pos), Fault> {
        let snapshot = self.store.snapshot();
        let id = self.found(&snapshot, scope, group)?.id;
        aside(self.store.env(), move || {
            let streams = match wanted.order {
                Order::Name => by_name(&snapshot, id, &wanted)?,
                Order::LastEvent => by_last_event(&snapshot, id, &wanted)?,
            };
            Ok((streams, snapshot.pos()))
        })
        .await
    }

    /// Stages the end of a stream: its row, and all that was written to it.
    pub(super) fn delete_rows(&self, batch: &mut Batch, group: u64, key: &Key) -> Result<(), Fault> {
        let name =
            keys::name(key).ok_or_else(|| Fault::internal("the key of a log stream cannot be read"))?;
        batch.delete(key.clone());
        // The class of the log matters only to what is appended.
        batch.truncate(keys::log(group, &name, eddy_store::Retention::Forever), u64::MAX);
        Ok(())
    }
}

fn by_name(snapshot: &Snapshot, id: u64, wanted: &Streams) -> Result<Vec<Stream>, Fault> {
    let all = keys::streams(id, &wanted.prefix);
    let after = wanted.after.as_ref().map(|(_, name)| keys::stream(id, name));
    let (range, order) = match (after, wanted.descending) {
        (Some(after), false) => (all.after(&after), eddy_store::Order::Forward),
        (Some(after), true) => (all.until(&after), eddy_store::Order::Backward),
        (None, false) => (all, eddy_store::Order::Forward),
        (None, true) => (all, eddy_store::Order::Backward),
    };
    read(snapshot, range, order, wanted.max)
}

fn by_last_event(snapshot: &Snapshot, id: u64, wanted: &Streams) -> Result<Vec<Stream>, Fault> {
    let all = keys::streams(id, &wanted.prefix);
    let mut streams = read(snapshot, all, eddy_store::Order::Forward, usize::MAX)?;
    streams.sort_by(|one, two| (one.last, &one.name).cmp(&(two.last, &two.name)));
    if wanted.descending {
        streams.reverse();
    }
    if let Some((last, name)) = &wanted.after {
        let is_before = |stream: &Stream| {
            let (one, two) = ((stream.last, &stream.name), (*last, name));
            if wanted.descending { one >= two } else { one <= two }
        };
        streams.drain(..streams.partition_point(is_before));
    }
    streams.truncate(wanted.max);
    Ok(streams)
}

/// The streams of a range, each with its row.
pub(super) fn read(
    snapshot: &Snapshot,
    range: eddy_store::Range,
    order: eddy_store::Order,
    max: usize,
) -> Result<Vec<Stream>, Fault> {
    let mut streams = Vec::new();
    let mut wrong = None;
    snapshot.each(range, order, |key, row| {
        let stream = decode(&row.value, "a log stream");
        match (keys::name(&key), stream) {
            (Some(name), Ok(stream)) => streams.push(shown(name, stream)),
            (None, _) => wrong = Some(Fault::internal("the key of a log stream cannot be read")),
            (_, Err(fault)) => wrong = Some(fault),
        }
        go_on_if(wrong.is_none() && streams.len() < max)
    })?;
    wrong.map_or(Ok(streams), Err)
}

fn shown(name: String, row: rows::Stream) -> Stream {
    let written = row.written;
    Stream {
        name,
        created: row.created,
        first: written.map(|written| written.first),
        last: written.map(|written| written.last),
        ingested: written.map(|written| written.ingested),
    }
}
