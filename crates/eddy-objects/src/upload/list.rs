//! Listings of uploads and of their parts.

use eddy_store::{Order, Range, Snapshot};

use super::{UploadName, find};
use crate::bucket;
use crate::error::Error;
use crate::limits::PAGE_ENTRIES_MAX;
use crate::list::{After, Query, Rows, from_within};
use crate::rows::{Part, Upload, UploadId, decode};
use crate::{Objects, Seen, keys};

/// Which uploads to list.
#[derive(Debug, Clone, Default)]
pub struct UploadQuery {
    pub prefix: String,
    /// As in [`Query::delimiter`].
    pub delimiter: String,
    pub after: UploadAfter,
    /// Entries of a page, at most [`PAGE_ENTRIES_MAX`].
    pub max: usize,
}

/// Where a page of uploads begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UploadAfter {
    #[default]
    Nothing,
    /// Behind all uploads of a key.
    Key(String),
    /// Behind one upload of a key.
    Upload(String, UploadId),
    /// Behind all keys that begin so.
    Prefix(String),
}

/// A page of uploads.
#[derive(Debug, Clone, Default)]
pub struct UploadPage {
    pub uploads: Vec<ListedUpload>,
    /// The rolled-up prefixes.
    pub prefixes: Vec<String>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<UploadAfter>,
}

#[derive(Debug, Clone)]
pub struct ListedUpload {
    pub key: String,
    pub id: UploadId,
    pub upload: Upload,
}

/// A page of parts.
#[derive(Debug, Clone)]
pub struct PartPage {
    pub upload: Upload,
    pub parts: Vec<(u32, Part)>,
    /// Whether there are more behind the last.
    pub more: bool,
}

impl Objects {
    /// One page of the parts of an upload with numbers above `after`.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchUpload`]; whatever the store says.
    pub fn list_parts(&self, name: UploadName<'_>, after: u32, max: usize) -> Result<Seen<PartPage>, Error> {
        self.look(|snapshot| {
            bucket::require(snapshot, name.bucket)?;
            let (upload, _) = find(snapshot, name)?.ok_or(Error::NoSuchUpload)?;
            let max = max.min(PAGE_ENTRIES_MAX);
            let range = keys::parts(name.bucket, name.id).after(&keys::part(name.bucket, name.id, after));
            let mut rows = snapshot.scan(range, Order::Forward, max + 1)?;
            let more = rows.len() > max;
            rows.truncate(max);
            let part = |(key, row): &_| Ok((keys::read_part(key)?, decode(row, "part")?));
            Ok(PartPage { upload, parts: rows.iter().map(part).collect::<Result<_, Error>>()?, more })
        })
    }

    /// One page of the uploads that were begun in a bucket, by key and then by age.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub async fn list_uploads(&self, bucket: &str, query: &UploadQuery) -> Result<Seen<UploadPage>, Error> {
        let (bucket, query) = (bucket.to_owned(), query.clone());
        self.look_long(move |snapshot| page(snapshot, &bucket, &query)).await
    }
}

fn page(snapshot: &Snapshot, bucket: &str, query: &UploadQuery) -> Result<UploadPage, Error> {
    bucket::require(snapshot, bucket)?;
    let after = match &query.after {
        UploadAfter::Prefix(prefix) => After::Prefix(prefix.clone()),
        UploadAfter::Key(key) | UploadAfter::Upload(key, _) => After::Key(key.clone()),
        UploadAfter::Nothing => After::Nothing,
    };
    let (prefix, delimiter) = (query.prefix.clone(), query.delimiter.clone());
    let walked = Query { prefix, delimiter, after, max: query.max };
    let rows = Rows {
        within: keys::uploads_with(bucket, &query.prefix),
        beyond: |prefix: &str| keys::uploads_with(bucket, prefix),
        key_of: |key: &_| Ok(keys::read_upload(key)?.0),
    };
    let mut uploads: Vec<ListedUpload> = Vec::new();
    let walk = rows.walk(snapshot, &walked, start(bucket, query), |key, stored, row| {
        let (_, id) = keys::read_upload(stored)?;
        uploads.push(ListedUpload { key, id, upload: decode(row, "upload")? });
        Ok(())
    })?;
    let next = walk.next.map(|after| match (after, uploads.last()) {
        (After::Key(key), Some(last)) => UploadAfter::Upload(key, last.id),
        (After::Key(key), None) => UploadAfter::Key(key),
        (After::Prefix(prefix), _) => UploadAfter::Prefix(prefix),
        (After::Nothing, _) => UploadAfter::Nothing,
    });
    Ok(UploadPage { uploads, prefixes: walk.prefixes, next })
}

fn start(bucket: &str, query: &UploadQuery) -> Option<Range> {
    let within = keys::uploads_with(bucket, &query.prefix);
    match &query.after {
        UploadAfter::Nothing => Some(within),
        UploadAfter::Key(key) => from_within(within, &query.prefix, key, &keys::uploads_of(bucket, key)),
        UploadAfter::Prefix(prefix) => {
            from_within(within, &query.prefix, prefix, &keys::uploads_with(bucket, prefix))
        }
        UploadAfter::Upload(key, id) if key.starts_with(&query.prefix) => {
            Some(within.after(&keys::upload(bucket, key, id)))
        }
        UploadAfter::Upload(key, _) => (*key < query.prefix).then_some(within),
    }
}
