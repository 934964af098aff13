//! Buckets: made, found, described, removed.

use eddy_base::{Account, Scope, Timestamp};
use eddy_bus::Subscription;
use eddy_store::{Batch, Durable, Order, Pos, Snapshot};

use crate::error::Error;
use crate::limits::{BUCKET_NAME_BYTES_MAX, PAGE_ENTRIES_MAX, PARTS_PER_BATCH};
use crate::rows::{self, decode, encode};
use crate::{Objects, Seen, UploadName, event, keys, upload};

/// One life of a bucket: from its creation to its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    pub owner: Scope,
    pub created: Timestamp,
    /// The commit that made it.
    pub pos: Pos,
}

/// Which buckets of an account to list.
#[derive(Debug, Clone, Default)]
pub struct BucketQuery {
    pub prefix: String,
    /// Names after this one.
    pub after: Option<String>,
    /// Only those of a region.
    pub region: Option<String>,
    /// At most so many.
    pub max: usize,
}

/// Buckets in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPage {
    pub buckets: Vec<Bucket>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// Names and values, in the order in which they were given.
pub type Tags = Vec<(String, String)>;

impl Objects {
    /// Takes a name for a bucket. Names are one space for all accounts.
    ///
    /// # Errors
    /// [`Error::BucketExists`] with the owner; [`Error::BucketName`]; whatever the store says.
    pub async fn create_bucket(
        &self,
        name: &str,
        owner: &Scope,
        tags: &[(String, String)],
    ) -> Result<Durable<Bucket>, Error> {
        if name.is_empty() || name.len() > BUCKET_NAME_BYTES_MAX {
            return Err(Error::BucketName);
        }
        let created = self.now();
        let made = self
            .change(|snapshot| {
                if let Some(there) = find(snapshot, name)? {
                    return Err(Error::BucketExists { owner: there.owner });
                }
                let mut batch = Batch::new();
                batch.absent(keys::bucket(name));
                batch.put(keys::bucket(name), encode(&rows::Bucket { owner: owner.clone(), created }));
                // Deleting what is not there would count as making room on a full disk.
                if !tags.is_empty() {
                    set_tags(&mut batch, keys::bucket_tags(name), tags);
                }
                Ok((batch, ()))
            })
            .await?;
        let (name, owner) = (name.to_owned(), owner.clone());
        Ok(made.map_with(|(), committed| Bucket { name, owner, created, pos: committed.pos }))
    }

    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub fn bucket(&self, name: &str) -> Result<Seen<Bucket>, Error> {
        self.look(|snapshot| require(snapshot, name))
    }

    /// The buckets of one account, of all regions. Reads every bucket's row: for people, not for hot paths.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn buckets(&self, account: &Account, query: &BucketQuery) -> Result<Seen<BucketPage>, Error> {
        let (account, query) = (account.clone(), query.clone());
        self.look_long(move |snapshot| page(snapshot, &account, &query)).await
    }

    /// Removes a bucket that holds no objects, with the uploads that were begun in it and its subscriptions.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::BucketNotEmpty`]; whatever the store says.
    pub async fn delete_bucket(&self, name: &str) -> Result<Durable<()>, Error> {
        self.thin_uploads(name).await?;
        let removed = self
            .change(|snapshot| {
                let bucket = require_empty(snapshot, name)?;
                let mut batch = Batch::new();
                batch.at(keys::bucket(name), bucket.pos);
                let writes = snapshot.get(&keys::writes(name))?.map_or(Pos::ZERO, |row| row.pos);
                batch.at(keys::writes(name), writes);
                batch.delete(keys::bucket(name));
                batch.delete(keys::bucket_tags(name));
                batch.delete(keys::origin_rules(name));
                batch.delete(keys::unguarded(name));
                batch.delete(keys::writes(name));
                let mut debts = Vec::new();
                for (key, upload) in upload::all(snapshot, name, PAGE_ENTRIES_MAX)? {
                    let upload = UploadName { bucket: name, key: &key, id: &upload };
                    debts.extend(upload::drop_upload(snapshot, &mut batch, upload)?);
                }
                let source = event::source(&bucket.owner, name);
                if !self.bus.subscriptions(&source).is_empty() {
                    batch.across_cells();
                    self.bus.stage_subscriptions(&mut batch, &source, Vec::new()).map_err(Error::Bus)?;
                }
                Ok((batch, debts))
            })
            .await?;
        self.pay(removed.value()).await;
        Ok(removed.map(|_| ()))
    }

    /// Aborts uploads until the rest fits into the batch that removes the bucket.
    async fn thin_uploads(&self, name: &str) -> Result<(), Error> {
        loop {
            let snapshot = self.store.snapshot();
            require_empty(&snapshot, name)?;
            let uploads = upload::all(&snapshot, name, PAGE_ENTRIES_MAX + 1)?;
            let mut parts = 0;
            for (_, upload) in &uploads {
                parts += snapshot.scan(keys::parts(name, upload), Order::Forward, PARTS_PER_BATCH)?.len();
            }
            if uploads.len() <= PAGE_ENTRIES_MAX && parts <= PARTS_PER_BATCH {
                return Ok(());
            }
            let Some((key, upload)) = uploads.into_iter().next() else { return Ok(()) };
            match self.abort_upload(name, &key, &upload).await {
                Ok(_) | Err(Error::NoSuchUpload) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub fn bucket_tags(&self, name: &str) -> Result<Seen<Tags>, Error> {
        self.look(|snapshot| {
            require(snapshot, name)?;
            read_tags(snapshot, &keys::bucket_tags(name))
        })
    }

    /// Replaces a bucket's tags; none removes them.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub async fn set_bucket_tags(&self, name: &str, tags: &[(String, String)]) -> Result<Durable<()>, Error> {
        self.change(|snapshot| {
            let bucket = require(snapshot, name)?;
            let mut batch = Batch::new();
            batch.at(keys::bucket(name), bucket.pos);
            set_tags(&mut batch, keys::bucket_tags(name), tags);
            Ok((batch, ()))
        })
        .await
    }

    /// Who is told about the changes of a bucket's objects.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub fn subscriptions(&self, name: &str) -> Result<Seen<Vec<Subscription>>, Error> {
        let bucket = self.bucket(name)?;
        Ok(bucket.map(|bucket| self.bus.subscriptions(&event::source(&bucket.owner, name))))
    }

    /// Replaces who is told about the changes of a bucket's objects.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub async fn set_subscriptions(&self, name: &str, wanted: &[Subscription]) -> Result<Durable<()>, Error> {
        self.change(|snapshot| {
            let bucket = require(snapshot, name)?;
            let mut batch = Batch::new();
            // The bucket and its subscriptions are cells of two crates, and neither may outlive the other.
            batch.across_cells();
            batch.at(keys::bucket(name), bucket.pos);
            let source = event::source(&bucket.owner, name);
            self.bus.stage_subscriptions(&mut batch, &source, wanted.to_vec()).map_err(Error::Bus)?;
            Ok((batch, ()))
        })
        .await
    }
}

fn page(snapshot: &Snapshot, account: &Account, query: &BucketQuery) -> Result<BucketPage, Error> {
    let wanted = |bucket: &Bucket| {
        bucket.owner.account == *account
            && bucket.name.starts_with(&query.prefix)
            && query.region.as_ref().is_none_or(|region| bucket.owner.region.as_str() == region)
            && query.after.as_ref().is_none_or(|after| bucket.name > *after)
    };
    let mut buckets = Vec::new();
    for name in names(snapshot)? {
        buckets.extend(find(snapshot, &name)?.filter(wanted));
    }
    buckets.sort_by(|one, other| one.name.cmp(&other.name));
    let more = buckets.len() > query.max;
    buckets.truncate(query.max);
    Ok(BucketPage { buckets, more })
}

pub(crate) fn find(snapshot: &Snapshot, name: &str) -> Result<Option<Bucket>, Error> {
    let Some(row) = snapshot.get(&keys::bucket(name))? else { return Ok(None) };
    let rows::Bucket { owner, created } = decode(&row, "bucket")?;
    Ok(Some(Bucket { name: name.to_owned(), owner, created, pos: row.pos }))
}

pub(crate) fn require(snapshot: &Snapshot, name: &str) -> Result<Bucket, Error> {
    find(snapshot, name)?.ok_or(Error::NoSuchBucket)
}

fn require_empty(snapshot: &Snapshot, name: &str) -> Result<Bucket, Error> {
    let bucket = require(snapshot, name)?;
    if snapshot.scan(keys::heads(name), Order::Forward, 1)?.is_empty() {
        return Ok(bucket);
    }
    Err(Error::BucketNotEmpty)
}

/// The names of all cells, by passing over what is in them. Some may be of buckets that are gone.
pub(crate) fn names(snapshot: &Snapshot) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut rest = keys::SPACE.range();
    while let Some((key, _)) = snapshot.scan(rest.clone(), Order::Forward, 1)?.pop() {
        names.push(keys::bucket_of(&key)?);
        rest = rest.beyond(&key.cell().range());
    }
    Ok(names)
}

pub(crate) fn read_tags(snapshot: &Snapshot, key: &eddy_store::Key) -> Result<Tags, Error> {
    let Some(row) = snapshot.get(key)? else { return Ok(Tags::new()) };
    Ok(decode::<rows::Tags>(&row, "tags")?.pairs)
}

pub(crate) fn set_tags(batch: &mut Batch, key: eddy_store::Key, tags: &[(String, String)]) {
    if tags.is_empty() {
        batch.delete(key);
    } else {
        batch.put(key, encode(&rows::Tags { pairs: tags.to_vec() }));
    }
}
