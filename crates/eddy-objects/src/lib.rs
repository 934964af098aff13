//! Buckets and objects, in nobody's dialect.
//!
//! A bucket is a cell of the store: everything in it is decided in one order, so that "only if it is not there",
//! "only if it is empty" and "only if nobody changed it" are conditions of a commit and know no races. Small bodies
//! stand in rows, larger ones in blobs that are on disk before the row that names them; the row's commit is the
//! object's. Copies and completed uploads share blobs and move no bytes. Each change of an object stages its event in
//! its own batch.
//!
//! What this crate refuses to know: who may do what, how a request looks, what an event looks like to its reader.
//! It keeps no versions yet; the key layout has room for them.

mod body;
mod bucket;
mod cbor;
mod checksum;
mod cipher;
mod conditions;
mod content;
mod copy;
mod error;
mod event;
mod keys;
pub mod limits;
mod list;
mod object;
mod read;
mod rows;
mod settings;
mod share;
mod upload;

use eddy_base::env::blocking;
use eddy_base::{Fault, Id, Timestamp};
use eddy_bus::Bus;
use eddy_store::{Batch, Durable, Pos, Snapshot, Space, Store, Update};

use crate::cipher::Cipher;

pub use bucket::{Bucket, BucketPage, BucketQuery, Tags};
pub use checksum::{Algorithm, Checksum, Coverage, Hasher};
pub use conditions::{Admission, Broken, Conditions, When};
pub use content::{Content, Digester, Digests, Writer};
pub use copy::Copy;
pub use error::Error;
pub use event::{By, Change, Kind, source};
pub use list::{After, Listed, Page, Query};
pub use object::{Object, Put, Removal, Stored};
pub use read::{Found, Reader};
pub use rows::{Description, Etag, Head, OriginRule, Part, PartMark, Upload, UploadId};
pub use upload::{
    Completion, ListedUpload, NewUpload, PartCopy, PartName, PartPage, UploadAfter, UploadName, UploadPage,
    UploadQuery,
};

/// The name spaces of this crate, for the store to register.
pub const SPACES: &[Space] = &[keys::SPACE];

/// The updates of this crate, for the store to register: none, its changes are conditions and puts.
pub fn updates() -> Vec<Update> {
    Vec::new()
}

/// All buckets and objects of a store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Store,
    bus: Bus,
    cipher: Cipher,
}

/// Something read, and the position up to which it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    pub value: T,
    pub pos: Pos,
}

/// The outcome of what may have found nothing to do.
#[derive(Debug)]
pub enum Answer<T> {
    Changed(Durable<T>),
    /// Nothing was to be done, as of this position.
    Unchanged(T, Pos),
}

impl Objects {
    /// Opens what a store holds, and finishes the copies that a crash cut short. One at a time for a store.
    ///
    /// # Errors
    /// Whatever the store says, and rows that can't be read.
    pub async fn open(store: Store, bus: Bus) -> Result<Objects, Fault> {
        let cipher = Cipher::open(&store).await?;
        let objects = Objects { store, bus, cipher };
        objects.recover().await?;
        Ok(objects)
    }

    /// Takes a body in, for [`Objects::put`] and [`Objects::put_part`].
    pub fn writer(&self) -> Writer {
        Writer::new(self.store.clone(), self.cipher.clone())
    }

    fn now(&self) -> Timestamp {
        self.store.env().now()
    }

    fn look<T>(&self, read: impl FnOnce(&Snapshot) -> Result<T, Error>) -> Result<Seen<T>, Error> {
        let snapshot = self.store.snapshot();
        let value = read(&snapshot)?;
        Ok(Seen { value, pos: snapshot.pos() })
    }

    /// As [`Objects::look`] for what reads many rows, off the executor.
    async fn look_long<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Snapshot) -> Result<T, Error> + Send + 'static,
    ) -> Result<Seen<T>, Error> {
        let objects = self.clone();
        let looked = blocking(self.store.env(), move || objects.look(read)).await;
        looked.map_err(|_| Error::Store(eddy_store::Error::Unavailable("a read was cancelled")))?
    }

    /// Commits what `plan` makes of a snapshot; when its conditions no longer hold by then, plans anew. Somebody
    /// else's change went through each time, so all of them together get on.
    async fn change<T>(
        &self,
        mut plan: impl FnMut(&Snapshot) -> Result<(Batch, T), Error>,
    ) -> Result<Durable<T>, Error> {
        for _ in 0..limits::ATTEMPTS_MAX {
            let (batch, value) = plan(&self.store.snapshot())?;
            if let Some(done) = self.attempt(batch, value).await? {
                return Ok(done);
            }
        }
        Err(Error::Contended)
    }

    /// As [`Objects::change`], where `plan` may find that there is nothing to do: an empty batch.
    async fn change_if_any<T>(
        &self,
        mut plan: impl FnMut(&Snapshot) -> Result<(Batch, T), Error>,
    ) -> Result<Answer<T>, Error> {
        for _ in 0..limits::ATTEMPTS_MAX {
            let snapshot = self.store.snapshot();
            let (batch, value) = plan(&snapshot)?;
            if batch.is_empty() {
                return Ok(Answer::Unchanged(value, snapshot.pos()));
            }
            if let Some(done) = self.attempt(batch, value).await? {
                return Ok(Answer::Changed(done));
            }
        }
        Err(Error::Contended)
    }

    /// None when a condition did not hold.
    async fn attempt<T>(&self, batch: Batch, value: T) -> Result<Option<Durable<T>>, Error> {
        match self.store.commit(batch, value).await {
            Ok(done) => Ok(Some(done)),
            Err(eddy_store::Error::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stages the event of a change in its batch.
    fn tell(&self, batch: &mut Batch, slot: &object::Slot<'_>, kind: Kind, new: Option<&Head>, by: &By) {
        let change = Change {
            bucket: slot.bucket.name.clone(),
            owner: slot.bucket.owner.clone(),
            size: new.map(|head| head.size),
            etag: new.map(|head| head.etag.to_string()),
            sequencer: slot.sequencer(),
            principal: by.principal.clone(),
            source_ip: by.source_ip.clone(),
            request: by.request,
        };
        let id = Id::random(self.store.env().as_ref());
        let at = new.map_or_else(|| self.now(), |head| head.modified);
        self.bus.stage(batch, &change.event(id, at, kind, slot.key, by.cause));
    }
}

impl<T> Seen<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        Seen { value: f(self.value), pos: self.pos }
    }
}

impl<T> Answer<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Answer::Changed(done) => Answer::Changed(done.map(f)),
            Answer::Unchanged(value, pos) => Answer::Unchanged(f(value), pos),
        }
    }

    pub fn value(&self) -> &T {
        match self {
            Answer::Changed(done) => done.value(),
            Answer::Unchanged(value, _) => value,
        }
    }
}

impl Answer<()> {
    /// Both, one after the other.
    fn then(self, next: Answer<()>) -> Answer<()> {
        match (self, next) {
            (Answer::Changed(one), Answer::Changed(other)) => Answer::Changed(one.zip(other).map(|_| ())),
            (Answer::Changed(done), Answer::Unchanged(..))
            | (Answer::Unchanged(..), Answer::Changed(done)) => Answer::Changed(done),
            (Answer::Unchanged((), one), Answer::Unchanged((), other)) => {
                Answer::Unchanged((), one.max(other))
            }
        }
    }
}
