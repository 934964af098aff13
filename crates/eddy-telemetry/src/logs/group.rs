//! Log groups: made, listed, changed, deleted.

use std::collections::BTreeMap;

use eddy_base::{Code, Fault, Scope, Subject, Timestamp};
use eddy_store::{Batch, Durable, Error, Key, Order, Pos, Row};

use super::{Logs, aside, decode, no_group, rows};
use crate::keys;
use crate::limits::CLEAR_ROWS_MAX;

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub created: Timestamp,
    /// Days for which events are shown; `None` is for ever.
    pub retention_days: Option<u32>,
    pub tags: BTreeMap<String, String>,
    /// Of all messages ever written.
    pub stored_bytes: u64,
}

/// What a new group is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    pub retention_days: Option<u32>,
    pub tags: BTreeMap<String, String>,
}

impl Logs {
    /// # Errors
    /// [`Code::Exists`] when there is one of this name; the store's.
    pub async fn create_group(
        &self,
        scope: &Scope,
        name: &str,
        settings: Settings,
    ) -> Result<Durable<()>, Fault> {
        let Settings { retention_days, tags } = settings;
        let row = rows::Group { id: self.draw(), created: self.now(), retention_days, tags };
        let key = keys::group(scope, name);
        let mut batch = Batch::new();
        batch.absent(key.clone()).put(key, rows::to_bytes(&row));
        self.store.commit(batch, ()).await.map_err(|error| match error {
            Error::Refused(_) => {
                Fault::new(Code::Exists, Subject::LogGroup, "The specified log group already exists")
            }
            other => other.into(),
        })
    }

    /// One group.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is none of this name; the store's.
    pub fn group(&self, scope: &Scope, name: &str) -> Result<(Group, Pos), Fault> {
        let snapshot = self.store.snapshot();
        let row = self.found(&snapshot, scope, name)?;
        Ok((shown(&snapshot, name.to_owned(), row)?, snapshot.pos()))
    }

    /// Groups by name, in the order of their bytes: those that begin with `prefix`, contain `part`, and come after
    /// `after`, at most `max`.
    ///
    /// # Errors
    /// The store's.
    pub async fn groups(
        &self,
        scope: &Scope,
        prefix: &str,
        part: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<(Vec<Group>, Pos), Fault> {
        let snapshot = self.store.snapshot();
        let mut range = keys::groups(scope, prefix);
        if let Some(after) = after {
            range = range.after(&keys::group(scope, after));
        }
        let part = part.to_owned();
        aside(self.store.env(), move || {
            let mut groups = Vec::new();
            let mut wrong = None;
            snapshot.each(range, Order::Forward, |key, row| match listed(&snapshot, &key, &row, &part) {
                Ok(group) => {
                    groups.extend(group);
                    go_on_if(groups.len() < max)
                }
                Err(fault) => {
                    wrong = Some(fault);
                    go_on_if(false)
                }
            })?;
            wrong.map_or(Ok((groups, snapshot.pos())), Err)
        })
        .await
    }

    /// Changes a group's row by `change`, as often as somebody else is quicker.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is none of this name; what `change` says; the store's.
    pub async fn change_group(
        &self,
        scope: &Scope,
        name: &str,
        change: impl Fn(&mut Settings) -> Result<(), Fault>,
    ) -> Result<Durable<()>, Fault> {
        let key = keys::group(scope, name);
        loop {
            let row = self.store.snapshot().get(&key)?.ok_or_else(no_group)?;
            let rows::Group { id, created, retention_days, tags } = decode(&row.value, "a log group")?;
            let mut settings = Settings { retention_days, tags };
            change(&mut settings)?;
            let Settings { retention_days, tags } = settings;
            let group = rows::Group { id, created, retention_days, tags };
            let mut batch = Batch::new();
            batch.at(key.clone(), row.pos).put(key.clone(), rows::to_bytes(&group));
            match self.store.commit(batch, ()).await {
                Err(Error::Refused(_)) => {}
                answer => return Ok(answer?),
            }
        }
    }

    /// Deletes a group with all that is in it. Its streams go after it, here or at the next start.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is none of this name; the store's.
    pub async fn delete_group(&self, scope: &Scope, name: &str) -> Result<Durable<()>, Fault> {
        let key = keys::group(scope, name);
        let (durable, id) = loop {
            let row = self.store.snapshot().get(&key)?.ok_or_else(no_group)?;
            let group: rows::Group = decode(&row.value, "a log group")?;
            let mut batch = Batch::new();
            batch.across_cells().at(key.clone(), row.pos).delete(key.clone());
            batch.put(keys::cleared(group.id), Vec::new());
            match self.store.commit(batch, ()).await {
                Err(Error::Refused(_)) => {}
                answer => break (answer?, group.id),
            }
        };
        self.clear(id).await?;
        Ok(durable)
    }

    /// Clears what deleted groups have left, after a stop in between. To be called once at start.
    ///
    /// # Errors
    /// The store's.
    pub async fn clear_deleted(&self) -> Result<(), Fault> {
        loop {
            let left = self.store.snapshot().scan(keys::all_cleared(), Order::Forward, CLEAR_ROWS_MAX)?;
            if left.is_empty() {
                return Ok(());
            }
            for (key, _) in left {
                let id = keys::id_of_cleared(&key);
                self.clear(id.ok_or_else(|| Fault::internal("a key of a deleted log group cannot be read"))?)
                    .await?;
            }
        }
    }

    /// Deletes the streams of a group that is gone.
    async fn clear(&self, id: u64) -> Result<(), Fault> {
        loop {
            let streams =
                self.store.snapshot().scan(keys::streams(id, ""), Order::Forward, CLEAR_ROWS_MAX)?;
            if streams.is_empty() {
                break;
            }
            let mut batch = Batch::new();
            for (key, _) in streams {
                self.delete_rows(&mut batch, id, &key)?;
            }
            self.store.commit(batch, ()).await?;
        }
        let mut batch = Batch::new();
        batch.across_cells().delete(keys::bytes(id)).delete(keys::cleared(id));
        self.store.commit(batch, ()).await?;
        Ok(())
    }

    /// A number that nobody has drawn before.
    fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        self.store.env().fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

fn listed(snapshot: &eddy_store::Snapshot, key: &Key, row: &Row, part: &str) -> Result<Option<Group>, Fault> {
    let name = keys::name(key).ok_or_else(|| Fault::internal("the key of a log group cannot be read"))?;
    if !name.contains(part) {
        return Ok(None);
    }
    shown(snapshot, name, decode(&row.value, "a log group")?).map(Some)
}

fn shown(snapshot: &eddy_store::Snapshot, name: String, row: rows::Group) -> Result<Group, Fault> {
    let stored_bytes = u64::try_from(snapshot.counter(&keys::bytes(row.id))?).unwrap_or(0);
    let rows::Group { created, retention_days, tags, .. } = row;
    Ok(Group { name, created, retention_days, tags, stored_bytes })
}

pub(super) fn go_on_if(more: bool) -> std::ops::ControlFlow<()> {
    if more { std::ops::ControlFlow::Continue(()) } else { std::ops::ControlFlow::Break(()) }
}
