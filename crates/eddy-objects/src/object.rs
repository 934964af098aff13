//! Objects: written, found, described, removed.

use eddy_base::Timestamp;
use eddy_store::{Batch, BlobId, Durable, Pos, Snapshot};

use crate::body::Debt;
use crate::bucket::{self, Bucket, Tags, read_tags, set_tags};
use crate::checksum::Checksum;
use crate::conditions::When;
use crate::content::Content;
use crate::error::Error;
use crate::event::{By, Kind};
use crate::limits::{DELETES_PER_BATCH, GONE_SPAN, KEY_BYTES_MAX};
use crate::rows::{Body, Description, Etag, Head, decode, encode};
use crate::{Answer, Objects, Seen, keys};

/// An object as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bucket: String,
    pub key: String,
    pub head: Head,
    pub tags: Tags,
    /// The commit that wrote these bytes: the object's generation.
    pub pos: Pos,
}

/// An object to be written.
pub struct Put<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub description: Description,
    pub tags: Tags,
    pub when: When,
    /// [`Kind::CreatedPut`] or [`Kind::CreatedPost`].
    pub kind: Kind,
    pub by: &'a By,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    pub etag: Etag,
    pub checksum: Option<Checksum>,
    pub modified: Timestamp,
}

/// One object of a removal of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    pub key: String,
    pub when: When,
}

/// A key before a change: what it holds, and whether something that was there has just gone.
pub(crate) struct Slot<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    pub(crate) old: Option<(Head, Pos)>,
    old_body: Body,
    gone: Pos,
    /// Numbers this change among those of the key.
    sequencer: u64,
}

impl Objects {
    /// Makes a body that has arrived an object.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::KeyTooLong`], what [`When::check`] says, [`Error::Contended`]; whatever
    /// the store says.
    pub async fn put(&self, put: Put<'_>, content: Content) -> Result<Durable<Stored>, Error> {
        let modified = self.now();
        let head = Head {
            size: content.size,
            etag: Etag { md5: content.digests.md5, parts: None },
            modified,
            description: put.description,
            checksum: Some(content.digests.checksum.clone()),
            upload: None,
            parts: None,
            cause: put.by.cause,
            body: None,
        };
        let (body, blob) = (content.body(), content.blob());
        let stored = self
            .change(|snapshot| {
                check_key(put.key)?;
                let bucket = bucket::require(snapshot, put.bucket)?;
                let slot = Slot::read(snapshot, &bucket, put.key)?;
                put.when.check(slot.head())?;
                let mut batch = Batch::new();
                if let Some(blob) = blob {
                    batch.hold(blob, keys::bucket(put.bucket));
                }
                let debts = slot.fill(&mut batch, head.clone(), body.clone(), &put.tags);
                self.tell(&mut batch, &slot, put.kind, Some(&head), put.by);
                Ok((batch, debts))
            })
            .await;
        let stored = self.or_discard(stored, blob).await?;
        self.pay(stored.value()).await;
        Ok(stored.map(|_| Stored::of(&head)))
    }

    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchObject`]; whatever the store says.
    pub fn head(&self, bucket: &str, key: &str) -> Result<Seen<Object>, Error> {
        self.look(|snapshot| {
            bucket::require(snapshot, bucket)?;
            require(snapshot, bucket, key)
        })
    }

    /// Removes an object. That there was none is a success that changes nothing and tells nobody.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], what [`When::check`] says, [`Error::Contended`]; whatever the store says.
    pub async fn delete(&self, bucket: &str, key: &str, when: &When, by: &By) -> Result<Answer<()>, Error> {
        let removal = Removal { key: key.to_owned(), when: when.clone() };
        let mut removed = self.delete_some(bucket, std::slice::from_ref(&removal), by).await?;
        match removed.results.pop() {
            Some(Err(error)) => Err(error),
            Some(Ok(())) | None => Ok(removed.answer),
        }
    }

    /// Removes many objects, each for itself: the results are in the order of the removals.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::Contended`]; whatever the store says. Some may be removed by then.
    pub async fn delete_all(
        &self,
        bucket: &str,
        removals: &[Removal],
        by: &By,
    ) -> Result<Answer<Vec<Result<(), Error>>>, Error> {
        let mut results = Vec::with_capacity(removals.len());
        let mut answer = Answer::Unchanged((), self.store.snapshot().pos());
        bucket::require(&self.store.snapshot(), bucket)?;
        for some in removals.chunks(DELETES_PER_BATCH) {
            let removed = self.delete_some(bucket, some, by).await?;
            results.extend(removed.results);
            answer = answer.then(removed.answer);
        }
        Ok(answer.map(|()| results))
    }

    async fn delete_some(&self, name: &str, removals: &[Removal], by: &By) -> Result<Removed, Error> {
        let plan = |snapshot: &Snapshot| {
            let bucket = bucket::require(snapshot, name)?;
            let mut batch = Batch::new();
            let mut results = Vec::with_capacity(removals.len());
            let mut debts = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for removal in removals {
                let slot = Slot::read(snapshot, &bucket, &removal.key)?;
                let allowed = removal.when.check(slot.head());
                if allowed.is_ok() && slot.old.is_some() && seen.insert(&removal.key) {
                    debts.extend(slot.clear(&mut batch, self.now()));
                    self.tell(&mut batch, &slot, Kind::RemovedDelete, None, by);
                }
                results.push(allowed);
            }
            Ok((batch, (results, debts)))
        };
        let removed = self.change_if_any(plan).await?;
        let mut results = Vec::new();
        let mut debts = Vec::new();
        let answer = removed.map(|outcome| (results, debts) = outcome);
        self.pay(&debts).await;
        Ok(Removed { results, answer })
    }

    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchObject`]; whatever the store says.
    pub fn tags(&self, bucket: &str, key: &str) -> Result<Seen<Tags>, Error> {
        Ok(self.head(bucket, key)?.map(|object| object.tags))
    }

    /// Replaces an object's tags; none removes them. The object stays the one it was: same generation, same date.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchObject`]; whatever the store says.
    pub async fn set_tags(
        &self,
        bucket: &str,
        key: &str,
        tags: &[(String, String)],
    ) -> Result<Durable<()>, Error> {
        self.change(|snapshot| {
            bucket::require(snapshot, bucket)?;
            let object = require(snapshot, bucket, key)?;
            let mut batch = Batch::new();
            batch.at(keys::head(bucket, key), object.pos);
            set_tags(&mut batch, keys::tags(bucket, key), tags);
            Ok((batch, ()))
        })
        .await
    }
}

impl Objects {
    /// Removes the blob of a body when it is certain that no row came to name it.
    pub(crate) async fn or_discard<T>(
        &self,
        result: Result<T, Error>,
        blob: Option<BlobId>,
    ) -> Result<T, Error> {
        if let Some(blob) = blob.filter(|_| not_done(&result)) {
            self.store.blobs().discard(blob).await;
        }
        result
    }
}

struct Removed {
    results: Vec<Result<(), Error>>,
    answer: Answer<()>,
}

impl Stored {
    pub(crate) fn of(head: &Head) -> Stored {
        Stored { size: head.size, etag: head.etag, checksum: head.checksum.clone(), modified: head.modified }
    }
}

impl<'a> Slot<'a> {
    pub(crate) fn read(snapshot: &Snapshot, bucket: &'a Bucket, key: &'a str) -> Result<Slot<'a>, Error> {
        let old = find(snapshot, &bucket.name, key)?;
        let old_body = match &old {
            Some((head, _)) => read_body(snapshot, &bucket.name, key, head)?,
            None => Body::default(),
        };
        let gone = match &old {
            Some(_) => Pos::ZERO,
            None => snapshot.get(&keys::gone(&bucket.name, key))?.map_or(Pos::ZERO, |row| row.pos),
        };
        Ok(Slot { bucket, key, old, old_body, gone, sequencer: snapshot.pos().0 })
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.old.as_ref().map(|(head, _)| head)
    }

    pub(crate) fn sequencer(&self) -> u64 {
        self.sequencer
    }

    /// Puts an object here, whatever was here before, on the condition that nothing has happened here since.
    /// Holding the new body's blobs is the caller's part.
    pub(crate) fn fill(
        &self,
        batch: &mut Batch,
        mut head: Head,
        body: Body,
        tags: &[(String, String)],
    ) -> Vec<Debt> {
        let name = &self.bucket.name;
        let debts = self.unwrite(batch);
        if self.old.is_none() {
            batch.at(keys::gone(name, self.key), self.gone);
        }
        batch.add(keys::writes(name), 1);
        if body.fits_in_head() {
            head.body = Some(body);
        } else {
            batch.put(keys::body(name, self.key), encode(&body));
        }
        batch.put(keys::head(name, self.key), encode(&head));
        if !tags.is_empty() {
            set_tags(batch, keys::tags(name, self.key), tags);
        }
        debts
    }

    /// Removes what is here. That it is gone is remembered for a while: otherwise a write that saw nothing before
    /// the object came could be let in after it went, and be numbered before both.
    pub(crate) fn clear(&self, batch: &mut Batch, now: Timestamp) -> Vec<Debt> {
        let debts = self.unwrite(batch);
        batch.delete(keys::head(&self.bucket.name, self.key));
        batch.put_until(keys::gone(&self.bucket.name, self.key), Vec::new(), now.plus(GONE_SPAN));
        debts
    }

    /// The conditions of every change here, and the end of what stands beside the old head.
    fn unwrite(&self, batch: &mut Batch) -> Vec<Debt> {
        let name = &self.bucket.name;
        batch.at(keys::bucket(name), self.bucket.pos);
        let Some((head, pos)) = &self.old else {
            batch.absent(keys::head(name, self.key));
            return Vec::new();
        };
        batch.at(keys::head(name, self.key), *pos);
        if head.body.is_none() {
            batch.delete(keys::body(name, self.key));
        }
        batch.delete(keys::tags(name, self.key));
        self.old_body.release(batch, name)
    }
}

/// # Errors
/// [`Error::KeyTooLong`].
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > KEY_BYTES_MAX {
        return Err(Error::KeyTooLong { bytes: key.len() });
    }
    Ok(())
}

/// Whether an error says for certain that nothing was written.
pub(crate) fn not_done<T>(result: &Result<T, Error>) -> bool {
    match result {
        Ok(_) | Err(Error::Store(eddy_store::Error::Fatal(_))) => false,
        Err(_) => true,
    }
}

pub(crate) fn find(snapshot: &Snapshot, bucket: &str, key: &str) -> Result<Option<(Head, Pos)>, Error> {
    let Some(row) = snapshot.get(&keys::head(bucket, key))? else { return Ok(None) };
    Ok(Some((decode(&row, "head of an object")?, row.pos)))
}

pub(crate) fn require(snapshot: &Snapshot, bucket: &str, key: &str) -> Result<Object, Error> {
    let (head, pos) = find(snapshot, bucket, key)?.ok_or(Error::NoSuchObject)?;
    let tags = read_tags(snapshot, &keys::tags(bucket, key))?;
    Ok(Object { bucket: bucket.to_owned(), key: key.to_owned(), head, tags, pos })
}

pub(crate) fn read_body(snapshot: &Snapshot, bucket: &str, key: &str, head: &Head) -> Result<Body, Error> {
    if let Some(body) = &head.body {
        return Ok(body.clone());
    }
    let row = snapshot.get(&keys::body(bucket, key))?.ok_or(Error::Damaged("body of an object"))?;
    decode(&row, "body of an object")
}
