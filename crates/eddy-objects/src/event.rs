//! What the bus is told when an object changes, in the batch of the change.

use bytes::Bytes;
use eddy_base::{Cause, Fault, Id, Scope, Timestamp};
use eddy_bus::{Event, Source};
use minicbor::{Decode, Encode};

use crate::rows::encode;

/// Who asks for a change, and why. Goes into the change's event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub cause: Cause,
    /// The request that asks.
    pub request: Id,
    /// Who asks, as their dialect names them.
    pub principal: String,
    /// The address that the request came from.
    pub source_ip: String,
}

/// What an event of a bucket says beyond its kind and key: the data of its [`Event`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Change {
    #[n(0)]
    pub bucket: String,
    #[n(1)]
    pub owner: Scope,
    /// Bytes. None for what was removed.
    #[n(2)]
    pub size: Option<u64>,
    /// Without quotes. None for what was removed.
    #[n(3)]
    pub etag: Option<String>,
    /// Orders the changes of one key: a later one has a higher number. Says nothing about two keys.
    #[n(4)]
    pub sequencer: u64,
    #[n(5)]
    pub principal: String,
    #[n(6)]
    pub source_ip: String,
    #[n(7)]
    pub request: Id,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    CreatedPut,
    CreatedPost,
    CreatedCopy,
    CreatedMultipart,
    RemovedDelete,
}

impl Kind {
    pub const ALL: [Kind; 5] =
        [Kind::CreatedPut, Kind::CreatedPost, Kind::CreatedCopy, Kind::CreatedMultipart, Kind::RemovedDelete];

    /// The kind as the bus knows it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::CreatedPut => "object.created.put",
            Kind::CreatedPost => "object.created.post",
            Kind::CreatedCopy => "object.created.copy",
            Kind::CreatedMultipart => "object.created.multipart",
            Kind::RemovedDelete => "object.removed.delete",
        }
    }
}

impl Change {
    /// Reads the data of an event of a bucket.
    ///
    /// # Errors
    /// Internal: the event is not one of this crate's.
    pub fn of(event: &Event) -> Result<Change, Fault> {
        minicbor::decode(&event.data)
            .map_err(|error| Fault::internal(format!("not an event of a bucket: {error}")))
    }

    pub(crate) fn event(self, id: Id, at: Timestamp, kind: Kind, key: &str, cause: Cause) -> Event {
        let data: Bytes = encode(&self);
        Event {
            id,
            at,
            source: source(&self.owner, &self.bucket),
            kind: kind.name().to_owned(),
            subject: key.to_owned(),
            cause,
            data,
        }
    }
}

/// Where the events of a bucket come from.
pub fn source(owner: &Scope, bucket: &str) -> Source {
    Source::Bucket { scope: owner.clone(), name: bucket.to_owned() }
}
