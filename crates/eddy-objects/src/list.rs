//! Listings: pages of keys in their byte order, with keys that share a prefix rolled up into one entry.
//!
//! What is rolled up is passed over by seeking, so a page costs what it shows and not what lies under it.

use eddy_base::Timestamp;
use eddy_store::{Key, Order, Range, Row, Snapshot};

use crate::checksum::{Algorithm, Coverage};
use crate::error::Error;
use crate::limits::{PAGE_ENTRIES_MAX, SCAN_ROWS};
use crate::rows::{Etag, Head, decode};
use crate::{Objects, Seen, bucket, keys};

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub prefix: String,
    /// Keys that have it behind the prefix are rolled up to it. Empty rolls nothing up.
    pub delimiter: String,
    pub after: After,
    /// Entries of a page, at most [`PAGE_ENTRIES_MAX`].
    pub max: usize,
}

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum After {
    #[default]
    Nothing,
    /// Behind this key, and behind all that are rolled up with it.
    Key(String),
    /// Behind all keys that begin so.
    Prefix(String),
}

/// A page of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Listed>,
    /// The rolled-up prefixes.
    pub prefixes: Vec<String>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<After>,
}

/// What a listing says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// Bytes.
    pub size: u64,
    pub etag: Etag,
    pub modified: Timestamp,
    pub checksum: Option<(Algorithm, Coverage)>,
}

impl Objects {
    /// One page of a bucket's objects.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub async fn list(&self, bucket: &str, query: &Query) -> Result<Seen<Page>, Error> {
        let (bucket, query) = (bucket.to_owned(), query.clone());
        self.look_long(move |snapshot| page(snapshot, &bucket, &query)).await
    }
}

fn page(snapshot: &Snapshot, bucket: &str, query: &Query) -> Result<Page, Error> {
    bucket::require(snapshot, bucket)?;
    let mut objects = Vec::new();
    let rows = Rows {
        within: keys::heads_with(bucket, &query.prefix),
        beyond: |prefix: &str| keys::heads_with(bucket, prefix),
        key_of: keys::read_head,
    };
    let walk = rows.walk(snapshot, query, start(bucket, query), |key, _, row| {
        objects.push(listed(key, row)?);
        Ok(())
    })?;
    Ok(Page { objects, prefixes: walk.prefixes, next: walk.next })
}

fn listed(key: String, row: &Row) -> Result<Listed, Error> {
    let head: Head = decode(row, "head of an object")?;
    let checksum = head.checksum.map(|checksum| (checksum.algorithm, checksum.coverage));
    Ok(Listed { key, size: head.size, etag: head.etag, modified: head.modified, checksum })
}

fn start(bucket: &str, query: &Query) -> Option<Range> {
    let within = keys::heads_with(bucket, &query.prefix);
    let (text, passed) = match &query.after {
        After::Nothing => return Some(within),
        After::Key(key) => (key, keys::heads_of(bucket, key)),
        After::Prefix(prefix) => (prefix, keys::heads_with(bucket, prefix)),
    };
    from_within(within, &query.prefix, text, &passed)
}

/// The part of `within`, which is the rows of `prefix`, behind the rows of `text`; none when that is nothing.
pub(crate) fn from_within(within: Range, prefix: &str, text: &str, passed: &Range) -> Option<Range> {
    if text.starts_with(prefix) {
        return Some(within.beyond(passed));
    }
    (text < prefix).then_some(within)
}

/// The rows that a listing walks over.
pub(crate) struct Rows<B, K> {
    pub(crate) within: Range,
    /// All rows whose keys begin with a prefix.
    pub(crate) beyond: B,
    /// The object's key in the key of a row.
    pub(crate) key_of: K,
}

impl<B: Fn(&str) -> Range, K: Fn(&Key) -> Result<String, Error>> Rows<B, K> {
    /// Walks one page, handing each row that is an entry of its own to `take`, its text key first.
    pub(crate) fn walk(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        start: Option<Range>,
        mut take: impl FnMut(String, &Key, &Row) -> Result<(), Error>,
    ) -> Result<Walk, Error> {
        let mut walk = Walk::new(query);
        let mut rest = start;
        while let Some(range) = rest.take() {
            let rows = snapshot.scan(range.clone(), Order::Forward, SCAN_ROWS)?;
            let Some((last, _)) = rows.last() else { break };
            rest = Some(range.after(last));
            for (key, row) in &rows {
                let text = (self.key_of)(key)?;
                match walk.see(&text) {
                    Step::Entry => take(text, key, row)?,
                    Step::Rolled => {}
                    Step::Full => return Ok(walk),
                }
            }
            if rows.len() < SCAN_ROWS {
                break;
            }
            if let Some(prefix) = walk.rolling() {
                rest = Some(self.within.clone().beyond(&(self.beyond)(prefix)));
            }
        }
        walk.next = None;
        Ok(walk)
    }
}

/// Decides what becomes of each key. Pure.
pub(crate) struct Walk {
    prefix: String,
    delimiter: String,
    max: usize,
    entries: usize,
    /// The prefix that the last seen key was rolled up to.
    rolling: Option<String>,
    pub(crate) prefixes: Vec<String>,
    /// Behind the last entry.
    pub(crate) next: Option<After>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An entry of the page.
    Entry,
    /// Part of a rolled-up prefix.
    Rolled,
    /// There is more, but the page is full.
    Full,
}

impl Walk {
    fn new(query: &Query) -> Walk {
        let mut walk = Walk {
            prefix: query.prefix.clone(),
            delimiter: query.delimiter.clone(),
            max: query.max.min(PAGE_ENTRIES_MAX),
            entries: 0,
            rolling: match &query.after {
                After::Prefix(prefix) => Some(prefix.clone()),
                After::Nothing | After::Key(_) => None,
            },
            prefixes: Vec::new(),
            next: None,
        };
        // A prefix that was begun with is behind a page that begins inside of it.
        if let After::Key(key) = &query.after
            && key.starts_with(&walk.prefix)
        {
            walk.rolling = walk.roll_up(key);
        }
        walk
    }

    /// Takes the next key in order.
    pub(crate) fn see(&mut self, key: &str) -> Step {
        if self.rolling.as_ref().is_some_and(|prefix| key.starts_with(prefix)) {
            return Step::Rolled;
        }
        if self.entries == self.max {
            return Step::Full;
        }
        self.entries += 1;
        self.rolling = self.roll_up(key);
        match &self.rolling {
            Some(prefix) => {
                self.prefixes.push(prefix.clone());
                self.next = Some(After::Prefix(prefix.clone()));
                Step::Rolled
            }
            None => {
                self.next = Some(After::Key(key.to_owned()));
                Step::Entry
            }
        }
    }

    pub(crate) fn rolling(&self) -> Option<&str> {
        self.rolling.as_deref()
    }

    fn roll_up(&self, key: &str) -> Option<String> {
        if self.delimiter.is_empty() {
            return None;
        }
        let behind = key.get(self.prefix.len()..)?;
        let at = behind.find(&self.delimiter)?;
        Some(key[..self.prefix.len() + at + self.delimiter.len()].to_owned())
    }
}
