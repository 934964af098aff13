//! Copies of objects, which share the blobs of their source.

use eddy_base::Id;
use eddy_store::{Batch, Durable, Snapshot};

use crate::Objects;
use crate::body::Debt;
use crate::bucket::{self, Tags};
use crate::checksum::{Algorithm, Checksum, Coverage};
use crate::conditions::When;
use crate::content::{Digester, Digests};
use crate::error::Error;
use crate::event::{By, Kind};
use crate::limits::{ATTEMPTS_MAX, UPLOAD_BYTES_MAX};
use crate::object::{self, Object, Slot, Stored, check_key};
use crate::read::Found;
use crate::rows::{Description, Etag, Head};
use crate::share::{Share, Source};

/// A copy to be made.
pub struct Copy<'a> {
    pub source_bucket: &'a str,
    pub source_key: &'a str,
    pub bucket: &'a str,
    pub key: &'a str,
    /// None takes the source's.
    pub description: Option<Description>,
    /// None takes the source's.
    pub tags: Option<Tags>,
    /// None takes the source's.
    pub algorithm: Option<Algorithm>,
    pub when: When,
    pub by: &'a By,
}

impl Objects {
    /// Copies an object, at most [`UPLOAD_BYTES_MAX`] large. `admit` looks at the source as it is then, and may
    /// refuse; it is asked again when the source changes meanwhile. No bytes move. They are read where the copy's
    /// digests are not the source's: a checksum of another algorithm, and a source that came in parts, since a copy is
    /// one piece, with the ETag of one.
    ///
    /// # Errors
    /// What `admit` says; [`Error::NoSuchBucket`] and [`Error::NoSuchObject`] of source or copy,
    /// [`Error::TooLarge`], [`Error::KeyTooLong`], what [`When::check`] says, [`Error::Contended`]; whatever the
    /// store says.
    pub async fn copy<E: From<Error>>(
        &self,
        copy: Copy<'_>,
        admit: impl Fn(&Object) -> Result<(), E>,
    ) -> Result<Durable<Stored>, E> {
        check_key(copy.key)?;
        for _ in 0..ATTEMPTS_MAX {
            let found = self.get(copy.source_bucket, copy.source_key)?.value;
            admit(&found.object)?;
            if found.object.head.size > UPLOAD_BYTES_MAX {
                return Err(Error::TooLarge { limit_bytes: UPLOAD_BYTES_MAX }.into());
            }
            let digests = self.digests_for(&copy, &found).await?;
            if let Some(stored) = self.copy_found(&copy, &found, digests).await? {
                return Ok(stored);
            }
        }
        Err(Error::Contended.into())
    }

    /// None when the source is not what it was.
    async fn copy_found(
        &self,
        copy: &Copy<'_>,
        Found { object: source, body, .. }: &Found,
        digests: Option<Digests>,
    ) -> Result<Option<Durable<Stored>>, Error> {
        let from = Source { bucket: &source.bucket, key: &source.key, pos: source.pos };
        let share = Share::plan(&from, body, copy.bucket, || Id::random(self.store.env().as_ref()));
        if !self.hold_away(&share).await? {
            return Ok(None);
        }
        let (etag, checksum) = match digests {
            Some(digests) => (Etag { md5: digests.md5, parts: None }, Some(digests.checksum)),
            None => (source.head.etag, source.head.checksum.clone()),
        };
        let head = Head {
            etag,
            parts: None,
            modified: self.now(),
            description: copy.description.clone().unwrap_or_else(|| source.head.description.clone()),
            checksum,
            upload: None,
            cause: copy.by.cause,
            body: None,
            ..source.head.clone()
        };
        let tags = copy.tags.as_ref().unwrap_or(&source.tags);
        let batch = self.plan_copy(&self.store.snapshot(), copy, &head, tags, &share);
        let written = match batch {
            Ok((batch, debts)) => self.store.commit(batch, debts).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if object::not_done(&written) {
            self.withdraw(&share).await;
        }
        match written {
            Err(Error::Store(eddy_store::Error::Refused(_))) => Ok(None),
            Err(error) => Err(error),
            Ok(written) => {
                self.settle(&share).await;
                self.pay(written.value()).await;
                Ok(Some(written.map(|_| Stored::of(&head))))
            }
        }
    }

    fn plan_copy(
        &self,
        snapshot: &Snapshot,
        copy: &Copy<'_>,
        head: &Head,
        tags: &[(String, String)],
        share: &Share,
    ) -> Result<(Batch, Vec<Debt>), Error> {
        let bucket = bucket::require(snapshot, copy.bucket)?;
        let slot = Slot::read(snapshot, &bucket, copy.key)?;
        copy.when.check(slot.head())?;
        let mut batch = Batch::new();
        share.stage(&mut batch);
        let debts = slot.fill(&mut batch, head.clone(), share.body.clone(), tags);
        self.tell(&mut batch, &slot, Kind::CreatedCopy, Some(head), copy.by);
        Ok((batch, debts))
    }

    /// The digests of the copy; none when they are the source's.
    async fn digests_for(&self, copy: &Copy<'_>, found: &Found) -> Result<Option<Digests>, Error> {
        let head = &found.object.head;
        let kept = head.checksum.as_ref();
        let algorithm = copy.algorithm.or(kept.map(|kept| kept.algorithm));
        let is_kept = |kept: &Checksum| Some(kept.algorithm) == algorithm && kept.coverage == Coverage::Whole;
        if head.parts.is_none() && (copy.algorithm.is_none() || kept.is_some_and(is_kept)) {
            return Ok(None);
        }
        let mut digester = Digester::new(algorithm.unwrap_or(Algorithm::Crc64Nvme));
        let mut reader = self.read(found, 0..head.size);
        while let Some(bytes) = reader.next().await? {
            digester.update(&bytes);
        }
        Ok(Some(digester.finish()))
    }
}
