//! Roles: who may become them, and the policies they carry.
//!
//! A role is one row with all that belongs to it, so every change of it is one condition on that row. Its
//! policies are kept as they were written.

use std::collections::BTreeMap;

use eddy_base::{Account, Code, Fault, Subject, Timestamp};
use eddy_store::{Batch, Durable, Error, Order, Pos, Row};

use crate::limits::{CHANGE_ATTEMPTS_MAX, ROLES_MAX};
use crate::{Identity, keys, token};

/// A role as it stands.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub struct Role {
    #[n(0)]
    pub name: String,
    /// Starts and ends with `/`.
    #[n(1)]
    pub path: String,
    /// `AROA...`: never given twice, also when the name is.
    #[n(2)]
    pub id: String,
    #[n(3)]
    pub created: Timestamp,
    #[n(4)]
    pub description: Option<String>,
    /// The longest session, in seconds.
    #[n(5)]
    pub session_seconds_max: u32,
    /// The trust policy, as written.
    #[n(6)]
    pub trust: String,
    #[n(7)]
    pub tags: BTreeMap<String, String>,
    /// Inline policies: name and document, as written.
    #[n(8)]
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies, in the order in which they were attached.
    #[n(9)]
    pub attached: Vec<String>,
}

/// What a role is made from.
#[derive(Debug, Clone)]
pub struct NewRole {
    pub name: String,
    pub path: String,
    pub description: Option<String>,
    pub session_seconds_max: u32,
    pub trust: String,
    pub tags: BTreeMap<String, String>,
}

/// Some of the roles, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub roles: Vec<Role>,
    /// The name after which the next page starts.
    pub next: Option<String>,
    pub pos: Pos,
}

impl Role {
    /// `arn:aws:iam::000000000000:role/PATH/NAME`.
    pub fn arn(&self, account: &Account) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }
}

impl Identity {
    /// Makes a role.
    ///
    /// # Errors
    /// `Exists` (in whatever case the name is), `LimitExceeded`.
    pub async fn create_role(&self, account: &Account, new: NewRole) -> Result<Durable<Role>, Fault> {
        let count = keys::role_count(account);
        let roles = self.store().snapshot().counter(&count)?;
        if roles >= ROLES_MAX as i64 {
            let text = format!("Cannot exceed quota for RolesPerAccount: {ROLES_MAX}");
            return Err(Fault::new(Code::LimitExceeded, Subject::Role, text));
        }
        let env = self.store().env();
        let role = Role {
            id: token::random_name::<17>("AROA", env.as_ref()),
            created: env.now(),
            name: new.name,
            path: new.path,
            description: new.description,
            session_seconds_max: new.session_seconds_max,
            trust: new.trust,
            tags: new.tags,
            inline: BTreeMap::new(),
            attached: Vec::new(),
        };
        let key = keys::role(account, &role.name);
        let mut batch = Batch::new();
        batch.absent(key.clone());
        batch.put(key, encode(&role));
        batch.add(count, 1);
        let name = role.name.clone();
        match self.store().commit(batch, role).await {
            Err(Error::Refused(_)) => {
                let text = format!("Role with name {name} already exists.");
                Err(Fault::new(Code::Exists, Subject::Role, text))
            }
            other => Ok(other?),
        }
    }

    /// One role, and the position of its last change.
    ///
    /// # Errors
    /// `Missing`.
    pub fn role(&self, account: &Account, name: &str) -> Result<(Role, Pos), Fault> {
        let row = self.store().snapshot().get(&keys::role(account, name))?;
        let row = row.ok_or_else(|| {
            Fault::new(Code::Missing, Subject::Role, format!("The role with name {name} cannot be found."))
        })?;
        Ok((decode(&row)?, row.pos))
    }

    /// Up to `rows_max` roles whose path starts with `path_prefix`, after the one named `after`.
    ///
    /// # Errors
    /// Only the store's.
    pub fn roles(
        &self,
        account: &Account,
        path_prefix: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Result<Page, Fault> {
        let snapshot = self.store().snapshot();
        let mut page = Page { roles: Vec::new(), next: None, pos: snapshot.pos() };
        let mut range = keys::roles(account);
        if let Some(name) = after {
            range = range.after(&keys::role(account, name));
        }
        // All roles of an account are few (ROLES_MAX), so one pass finds those of a path.
        for (_, row) in snapshot.scan(range, Order::Forward, ROLES_MAX)? {
            let role = decode(&row)?;
            if !role.path.starts_with(path_prefix) {
                continue;
            }
            if page.roles.len() == rows_max {
                page.next = page.roles.last().map(|role| role.name.clone());
                break;
            }
            page.roles.push(role);
        }
        Ok(page)
    }

    /// Changes a role. `change` may be called again when another change came between.
    ///
    /// # Errors
    /// `Missing`, what `change` refuses, or `Conflict` when others change the role all the time.
    pub async fn change_role<T>(
        &self,
        account: &Account,
        name: &str,
        mut change: impl FnMut(&mut Role) -> Result<T, Fault>,
    ) -> Result<Durable<T>, Fault> {
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let (mut role, pos) = self.role(account, name)?;
            let output = change(&mut role)?;
            let key = keys::role(account, name);
            let mut batch = Batch::new();
            batch.at(key.clone(), pos);
            batch.put(key, encode(&role));
            match self.store().commit(batch, output).await {
                Err(Error::Refused(_)) => {}
                other => return Ok(other?),
            }
        }
        Err(busy(name))
    }

    /// Removes a role that has no policies any more.
    ///
    /// # Errors
    /// `Missing`, `NotEmpty`.
    pub async fn delete_role(&self, account: &Account, name: &str) -> Result<Durable<()>, Fault> {
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let (role, pos) = self.role(account, name)?;
            let left = match (role.attached.is_empty(), role.inline.is_empty()) {
                (true, true) => None,
                (false, _) => Some("Cannot delete entity, must detach all policies first."),
                (true, false) => Some("Cannot delete entity, must delete policies first."),
            };
            if let Some(text) = left {
                return Err(Fault::new(Code::NotEmpty, Subject::Role, text));
            }
            let key = keys::role(account, name);
            let mut batch = Batch::new();
            batch.at(key.clone(), pos);
            batch.delete(key);
            batch.add(keys::role_count(account), -1);
            match self.store().commit(batch, ()).await {
                Err(Error::Refused(_)) => {}
                other => return Ok(other?),
            }
        }
        Err(busy(name))
    }
}

fn busy(name: &str) -> Fault {
    let text = format!("The role with name {name} is being changed by other requests. Try again.");
    Fault::new(Code::Conflict, Subject::Role, text)
}

fn encode(role: &Role) -> Vec<u8> {
    minicbor::to_vec(role).expect("writing to memory does not fail")
}

fn decode(row: &Row) -> Result<Role, Fault> {
    minicbor::decode(&row.value).map_err(|error| {
        tracing::error!(%error, "a role's row cannot be read");
        Fault::internal("a role cannot be read")
    })
}
