//! Objects that arrive in parts: begun, filled, listed, abandoned. Completion is in [`complete`].
//!
//! Every change of an upload's parts counts up one row, on which completion and abortion depend: they see all
//! parts, and no part appears after them.

mod complete;
mod copy;
mod list;

use eddy_base::Timestamp;
use eddy_base::env::blocking;
use eddy_store::{Batch, Durable, Order, Pos, Range, Snapshot};

use crate::body::Debt;
use crate::bucket::{self, Tags};
use crate::checksum::{Algorithm, Coverage};
use crate::content::Content;
use crate::error::Error;
use crate::event::By;
use crate::limits::{ATTEMPTS_MAX, SCAN_ROWS};
use crate::object::check_key;
use crate::rows::{Description, Part, Upload, UploadId, decode, encode};
use crate::{Objects, Seen, keys};

pub use complete::{Completion, PartName};
pub use copy::PartCopy;
pub use list::{ListedUpload, PartPage, UploadAfter, UploadPage, UploadQuery};

/// An upload to be begun.
pub struct NewUpload<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub description: Description,
    pub tags: Tags,
    /// None takes [`Algorithm::Crc64Nvme`] over the whole.
    pub checksum: Option<(Algorithm, Coverage)>,
    pub by: &'a By,
}

/// Names an upload with its place.
#[derive(Debug, Clone, Copy)]
pub struct UploadName<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub id: &'a UploadId,
}

/// Where a part is put: the upload as it is, and what the number holds already.
struct PartSlot {
    bucket: Pos,
    upload: Pos,
    old: Option<(Part, Pos)>,
}

impl Objects {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::KeyTooLong`]; whatever the store says.
    pub async fn create_upload(&self, new: NewUpload<'_>) -> Result<Durable<UploadId>, Error> {
        check_key(new.key)?;
        let initiated = self.now();
        let id = self.draw_upload(initiated);
        let (algorithm, coverage) = new.checksum.unwrap_or((Algorithm::Crc64Nvme, Coverage::Whole));
        let upload = Upload {
            initiated,
            description: new.description,
            tags: new.tags,
            algorithm,
            coverage,
            chosen: new.checksum.is_some(),
            principal: new.by.principal.clone(),
        };
        self.change(|snapshot| {
            let bucket = bucket::require(snapshot, new.bucket)?;
            let mut batch = Batch::new();
            batch.at(keys::bucket(new.bucket), bucket.pos);
            batch.put(keys::upload(new.bucket, new.key, &id), encode(&upload));
            batch.add(keys::writes(new.bucket), 1);
            Ok((batch, id))
        })
        .await
    }

    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchUpload`]; whatever the store says.
    pub fn upload(&self, name: UploadName<'_>) -> Result<Seen<Upload>, Error> {
        self.look(|snapshot| {
            bucket::require(snapshot, name.bucket)?;
            Ok(find(snapshot, name)?.ok_or(Error::NoSuchUpload)?.0)
        })
    }

    /// Makes a body that has arrived a part; one of the same number is replaced. The content must come from
    /// [`crate::Writer::finish_part`].
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchUpload`], [`Error::Contended`]; whatever the store says.
    pub async fn put_part(
        &self,
        name: UploadName<'_>,
        number: u32,
        content: Content,
    ) -> Result<Durable<Part>, Error> {
        let part = Part {
            size: content.size,
            md5: content.digests.md5,
            modified: self.now(),
            checksum: content.digests.checksum.clone(),
            body: content.body(),
        };
        let blob = content.blob();
        let stored = self
            .change(|snapshot| {
                let slot = PartSlot::read(snapshot, name, number)?;
                let mut batch = Batch::new();
                if let Some(blob) = blob {
                    batch.hold(blob, keys::bucket(name.bucket));
                }
                let debts = slot.fill(&mut batch, name, number, &part);
                Ok((batch, debts))
            })
            .await;
        let stored = self.or_discard(stored, blob).await?;
        self.pay(stored.value()).await;
        Ok(stored.map(|_| part))
    }

    /// Ends an upload without an object, and gives its parts' room back.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchUpload`], [`Error::Contended`]; whatever the store says.
    pub async fn abort_upload(&self, bucket: &str, key: &str, id: &UploadId) -> Result<Durable<()>, Error> {
        let name = UploadName { bucket, key, id };
        for _ in 0..ATTEMPTS_MAX {
            let snapshot = self.store.snapshot();
            bucket::require(&snapshot, bucket)?;
            find(&snapshot, name)?.ok_or(Error::NoSuchUpload)?;
            let uploaded = self.parts(&snapshot, name).await?;
            let mut batch = Batch::new();
            let debts = drop_parts(&mut batch, name, &uploaded, &[]);
            end(&snapshot, &mut batch, name)?;
            if let Some(aborted) = self.attempt(batch, debts).await? {
                self.pay(aborted.value()).await;
                return Ok(aborted.map(|_| ()));
            }
        }
        Err(Error::Contended)
    }

    /// All parts of an upload, by number, read off the executor.
    async fn parts(&self, snapshot: &Snapshot, name: UploadName<'_>) -> Result<Vec<(u32, Part)>, Error> {
        let (snapshot, bucket, id) = (snapshot.clone(), name.bucket.to_owned(), *name.id);
        let read = blocking(self.store.env(), move || parts(&snapshot, &bucket, &id)).await;
        read.map_err(|_| Error::Store(eddy_store::Error::Unavailable("a read was cancelled")))?
    }

    fn draw_upload(&self, initiated: Timestamp) -> UploadId {
        let mut id = [0; 24];
        let (age, random) = id.split_at_mut(8);
        age.copy_from_slice(&u64::try_from(initiated.millis()).unwrap_or(0).to_be_bytes());
        self.store.env().fill_random(random);
        UploadId(id)
    }
}

impl PartSlot {
    fn read(snapshot: &Snapshot, name: UploadName<'_>, number: u32) -> Result<PartSlot, Error> {
        let bucket = bucket::require(snapshot, name.bucket)?;
        let (_, upload) = find(snapshot, name)?.ok_or(Error::NoSuchUpload)?;
        let old = match snapshot.get(&keys::part(name.bucket, name.id, number))? {
            Some(row) => Some((decode(&row, "part")?, row.pos)),
            None => None,
        };
        Ok(PartSlot { bucket: bucket.pos, upload, old })
    }

    /// Puts the part in its place. Holding its blobs is the caller's part.
    fn fill(&self, batch: &mut Batch, name: UploadName<'_>, number: u32, part: &Part) -> Vec<Debt> {
        let key = keys::part(name.bucket, name.id, number);
        batch.at(keys::bucket(name.bucket), self.bucket);
        batch.at(keys::upload(name.bucket, name.key, name.id), self.upload);
        batch.at(key.clone(), self.old.as_ref().map_or(Pos::ZERO, |(_, pos)| *pos));
        batch.put(key, encode(part));
        batch.add(keys::part_writes(name.bucket, name.id), 1);
        batch.add(keys::writes(name.bucket), 1);
        let old = self.old.as_ref().map(|(old, _)| old.body.release(batch, name.bucket));
        old.unwrap_or_default()
    }
}

fn find(snapshot: &Snapshot, name: UploadName<'_>) -> Result<Option<(Upload, Pos)>, Error> {
    let Some(row) = snapshot.get(&keys::upload(name.bucket, name.key, name.id))? else { return Ok(None) };
    Ok(Some((decode(&row, "upload")?, row.pos)))
}

/// All parts of an upload, by number.
fn parts(snapshot: &Snapshot, bucket: &str, id: &UploadId) -> Result<Vec<(u32, Part)>, Error> {
    let mut parts = Vec::new();
    let mut rest: Range = keys::parts(bucket, id);
    loop {
        let rows = snapshot.scan(rest.clone(), Order::Forward, SCAN_ROWS)?;
        for (key, row) in &rows {
            parts.push((keys::read_part(key)?, decode(row, "part")?));
        }
        match rows.last() {
            Some((last, _)) if rows.len() == SCAN_ROWS => rest = rest.after(last),
            Some(_) | None => return Ok(parts),
        }
    }
}

/// The uploads of a bucket, at most so many.
pub(crate) fn all(snapshot: &Snapshot, bucket: &str, max: usize) -> Result<Vec<(String, UploadId)>, Error> {
    let rows = snapshot.scan(keys::uploads_with(bucket, ""), Order::Forward, max)?;
    rows.iter().map(|(key, _)| keys::read_upload(key)).collect()
}

/// Removes an upload that is there, with its parts.
pub(crate) fn drop_upload(
    snapshot: &Snapshot,
    batch: &mut Batch,
    name: UploadName<'_>,
) -> Result<Vec<Debt>, Error> {
    let debts = drop_parts(batch, name, &parts(snapshot, name.bucket, name.id)?, &[]);
    end(snapshot, batch, name)?;
    Ok(debts)
}

/// Removes the parts' rows; the blobs of those that are not kept in an object go with them.
fn drop_parts(
    batch: &mut Batch,
    name: UploadName<'_>,
    uploaded: &[(u32, Part)],
    kept: &[(u32, &Part)],
) -> Vec<Debt> {
    let mut debts = Vec::new();
    for (number, part) in uploaded {
        batch.delete(keys::part(name.bucket, name.id, *number));
        if kept.binary_search_by_key(number, |(number, _)| *number).is_err() {
            debts.extend(part.body.release(batch, name.bucket));
        }
    }
    debts
}

/// Removes an upload's own rows, on the condition that its parts are still those of the snapshot.
fn end(snapshot: &Snapshot, batch: &mut Batch, name: UploadName<'_>) -> Result<(), Error> {
    let writes = keys::part_writes(name.bucket, name.id);
    let seen = snapshot.get(&writes)?.map_or(Pos::ZERO, |row| row.pos);
    batch.at(writes.clone(), seen).delete(writes);
    let upload = keys::upload(name.bucket, name.key, name.id);
    batch.present(upload.clone()).delete(upload);
    Ok(())
}
