//! What a bucket is set to.
//!
//! The rules are kept here and held against requests by the dialect, which knows what a request is.

use bytes::Bytes;
use eddy_store::{Batch, Durable};

use crate::bucket::require;
use crate::error::Error;
use crate::rows::{OriginRule, OriginRules, decode, encode};
use crate::{Answer, Objects, Seen, keys};

impl Objects {
    /// What pages of other origins may do with a bucket; no rules is nothing.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub fn origin_rules(&self, bucket: &str) -> Result<Seen<Vec<OriginRule>>, Error> {
        self.look(|snapshot| {
            require(snapshot, bucket)?;
            let Some(row) = snapshot.get(&keys::origin_rules(bucket))? else { return Ok(Vec::new()) };
            Ok(decode::<OriginRules>(&row, "origin rules")?.rules)
        })
    }

    /// Replaces these rules; none removes them.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub async fn set_origin_rules(&self, bucket: &str, rules: &[OriginRule]) -> Result<Durable<()>, Error> {
        self.change(|snapshot| {
            let there = require(snapshot, bucket)?;
            let mut batch = Batch::new();
            batch.at(keys::bucket(bucket), there.pos);
            if rules.is_empty() {
                batch.delete(keys::origin_rules(bucket));
            } else {
                batch.put(keys::origin_rules(bucket), encode(&OriginRules { rules: rules.to_vec() }));
            }
            Ok((batch, ()))
        })
        .await
    }

    /// Whether a bucket is guarded against being opened to the public, as each is until its owner ends that.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub fn is_guarded(&self, bucket: &str) -> Result<Seen<bool>, Error> {
        self.look(|snapshot| {
            require(snapshot, bucket)?;
            Ok(snapshot.get(&keys::unguarded(bucket))?.is_none())
        })
    }

    /// Guards a bucket, or ends that.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; whatever the store says.
    pub async fn set_guarded(&self, bucket: &str, guarded: bool) -> Result<Answer<()>, Error> {
        self.change_if_any(|snapshot| {
            let there = require(snapshot, bucket)?;
            let mut batch = Batch::new();
            if snapshot.get(&keys::unguarded(bucket))?.is_none() == guarded {
                return Ok((batch, ()));
            }
            batch.at(keys::bucket(bucket), there.pos);
            if guarded {
                batch.delete(keys::unguarded(bucket));
            } else {
                batch.put(keys::unguarded(bucket), Bytes::new());
            }
            Ok((batch, ()))
        })
        .await
    }
}
