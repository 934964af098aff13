//! Parts that are ranges of objects.

use std::ops::Range;

use eddy_base::Id;
use eddy_store::{Batch, Durable};

use super::{PartSlot, UploadName};
use crate::Objects;
use crate::content::{Digester, Digests};
use crate::error::Error;
use crate::limits::{ATTEMPTS_MAX, SHARED_EXTENTS_PER_PART_MAX, UPLOAD_BYTES_MAX};
use crate::object::{self, Object};
use crate::read::Reader;
use crate::rows::{Body, Part};
use crate::share::{Share, Source};

/// A part to be copied from an object.
pub struct PartCopy<'a> {
    pub source_bucket: &'a str,
    pub source_key: &'a str,
    /// Bytes of the source; none is all of it.
    pub range: Option<Range<u64>>,
    pub upload: UploadName<'a>,
    pub number: u32,
}

impl Objects {
    /// Makes a range of an object a part. The bytes are read for their digests, which the part needs, but written
    /// anew only where sharing them is not worth it: when they stand inline, or in very many pieces.
    /// `admit` is as in [`Objects::copy`].
    ///
    /// # Errors
    /// What `admit` says; [`Error::NoSuchBucket`], [`Error::NoSuchObject`], [`Error::NoSuchUpload`],
    /// [`Error::RangeOutside`], [`Error::TooLarge`], [`Error::Contended`]; whatever the store says.
    pub async fn copy_part<E: From<Error>>(
        &self,
        copy: PartCopy<'_>,
        admit: impl Fn(&Object) -> Result<(), E>,
    ) -> Result<Durable<Part>, E> {
        for _ in 0..ATTEMPTS_MAX {
            let found = self.get(copy.source_bucket, copy.source_key)?.value;
            admit(&found.object)?;
            let size = found.object.head.size;
            let range = copy.range.clone().unwrap_or(0..size);
            if range.end > size || range.start > range.end {
                return Err(Error::RangeOutside { size }.into());
            }
            if range.end - range.start > UPLOAD_BYTES_MAX {
                return Err(Error::TooLarge { limit_bytes: UPLOAD_BYTES_MAX }.into());
            }
            let cut = found.body.cut(&range);
            if found.body.inline.is_some() || cut.extents.len() > SHARED_EXTENTS_PER_PART_MAX {
                return Ok(self.rewrite_part(&copy, self.read(&found, range)).await?);
            }
            let digests = self.digest(&copy, self.read(&found, range)).await?;
            if let Some(part) = self.share_part(&copy, &found.object, &cut, digests).await? {
                return Ok(part);
            }
        }
        Err(Error::Contended.into())
    }

    async fn rewrite_part(&self, copy: &PartCopy<'_>, mut reader: Reader) -> Result<Durable<Part>, Error> {
        let mut digester = Digester::new(self.upload(copy.upload)?.value.algorithm);
        let mut writer = self.writer();
        while let Some(bytes) = reader.next().await? {
            digester.update(&bytes);
            writer.write(bytes).await?;
        }
        let content = writer.finish_part(digester.finish()).await?;
        self.put_part(copy.upload, copy.number, content).await
    }

    /// None when the source is not what it was.
    async fn share_part(
        &self,
        copy: &PartCopy<'_>,
        source: &Object,
        cut: &Body,
        Digests { md5, checksum }: Digests,
    ) -> Result<Option<Durable<Part>>, Error> {
        let from = Source { bucket: &source.bucket, key: &source.key, pos: source.pos };
        let share = Share::plan(&from, cut, copy.upload.bucket, || Id::random(self.store.env().as_ref()));
        if !self.hold_away(&share).await? {
            return Ok(None);
        }
        let part = Part { size: cut.size(), md5, modified: self.now(), checksum, body: share.body.clone() };
        let mut batch = Batch::new();
        let written = match PartSlot::read(&self.store.snapshot(), copy.upload, copy.number) {
            Ok(slot) => {
                share.stage(&mut batch);
                let debts = slot.fill(&mut batch, copy.upload, copy.number, &part);
                self.store.commit(batch, debts).await.map_err(Error::from)
            }
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
                Ok(Some(written.map(|_| part)))
            }
        }
    }

    async fn digest(&self, copy: &PartCopy<'_>, mut reader: Reader) -> Result<Digests, Error> {
        let mut digester = Digester::new(self.upload(copy.upload)?.value.algorithm);
        while let Some(bytes) = reader.next().await? {
            digester.update(&bytes);
        }
        Ok(digester.finish())
    }
}
