//! Labels that a user puts on a function.

use std::collections::BTreeMap;

use eddy_base::{Fault, Scope};
use eddy_store::{Durable, Pos};
use minicbor::{Decode, Encode};

use crate::Functions;
use crate::error::Error;
use crate::function::Function;
use crate::keys::{self, Kind};
use crate::limits::TAGS_MAX;
use crate::rows::{self, Place};

/// Tags by key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Tags {
    #[n(0)]
    pub all: BTreeMap<String, String>,
}

impl Tags {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.all.len() > TAGS_MAX { Err(Error::TooManyTags) } else { Ok(()) }
    }
}

impl Functions {
    /// The tags, and the position at which they were read.
    ///
    /// # Errors
    /// `Missing` about the function.
    pub fn tags(&self, scope: &Scope, name: &str) -> Result<(Tags, Pos), Fault> {
        self.shared.known(scope, name)?;
        let snapshot = self.shared.store.snapshot();
        let found = rows::get::<Tags>(&snapshot, &keys::row(scope, Kind::Tags, name))?;
        Ok((found.map(|(tags, _)| tags).unwrap_or_default(), snapshot.pos()))
    }

    /// Adds tags, and replaces those with the same keys.
    ///
    /// # Errors
    /// `Missing` about the function; `LimitExceeded`.
    pub async fn tag(&self, scope: &Scope, name: &str, add: &Tags) -> Result<Durable<()>, Fault> {
        self.change_tags(scope, name, |tags| tags.all.extend(add.all.clone())).await
    }

    /// Removes tags. Keys that are not there are no error.
    ///
    /// # Errors
    /// `Missing` about the function.
    pub async fn untag(&self, scope: &Scope, name: &str, keys: &[String]) -> Result<Durable<()>, Fault> {
        self.change_tags(scope, name, |tags| tags.all.retain(|key, _| !keys.contains(key))).await
    }

    async fn change_tags(
        &self,
        scope: &Scope,
        name: &str,
        change: impl Fn(&mut Tags) + Send + Sync,
    ) -> Result<Durable<()>, Fault> {
        let decide = |_: &Function, old: Option<Tags>, _: &mut _| {
            let mut tags = old.unwrap_or_default();
            change(&mut tags);
            tags.check()?;
            Ok(((!tags.is_empty()).then_some(tags), ()))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Kind::Tags }, decide).await?)
    }
}
