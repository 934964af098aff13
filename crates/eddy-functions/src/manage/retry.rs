//! How asynchronous invocations of a function are tried again.

use eddy_base::{Fault, Scope};
use eddy_store::{Durable, Order, Pos};

use crate::Functions;
use crate::error::Error;
use crate::function::{Function, Retry};
use crate::keys::{self, Kind};
use crate::rows::{self, Place};

impl Functions {
    /// Sets the configuration by what it was: `change` gets the old one.
    ///
    /// # Errors
    /// `Missing` about the function; whatever `change` says.
    pub async fn set_retry(
        &self,
        scope: &Scope,
        name: &str,
        change: impl Fn(Option<Retry>) -> Result<Retry, Fault> + Send + Sync,
    ) -> Result<Durable<Retry>, Fault> {
        let decide = |_: &Function, old: Option<Retry>, _: &mut _| {
            let new = change(old)?;
            Ok((Some(new), new))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Kind::Retry }, decide).await?)
    }

    /// The configuration, and the commit that wrote it.
    ///
    /// # Errors
    /// `Missing` about the function or the configuration.
    pub fn retry(&self, scope: &Scope, name: &str) -> Result<(Retry, Pos), Fault> {
        self.shared.known(scope, name)?;
        let key = keys::row(scope, Kind::Retry, name);
        let found = rows::get(&self.shared.store.snapshot(), &key)?;
        Ok(found.ok_or_else(|| Error::NoRetry(name.to_owned()))?)
    }

    /// Goes back to the defaults.
    ///
    /// # Errors
    /// `Missing` about the function or the configuration.
    pub async fn delete_retry(&self, scope: &Scope, name: &str) -> Result<Durable<()>, Fault> {
        let decide = |_: &Function, old: Option<Retry>, _: &mut _| {
            old.ok_or_else(|| Error::NoRetry(name.to_owned()))?;
            Ok((None, ()))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Kind::Retry }, decide).await?)
    }

    /// All configurations of an account and region with the functions' names, behind `after`, at most `max`; and
    /// whether there are more.
    ///
    /// # Errors
    /// The store's.
    pub fn retries(
        &self,
        scope: &Scope,
        after: Option<&str>,
        max: usize,
    ) -> Result<(Vec<(String, Retry)>, bool), Fault> {
        let mut range = keys::all(scope, Kind::Retry);
        if let Some(after) = after {
            range = range.after(&keys::row(scope, Kind::Retry, after));
        }
        let rows = self.shared.store.snapshot().scan(range, Order::Forward, max + 1)?;
        let read = |(key, row): &(eddy_store::Key, eddy_store::Row)| {
            let (_, name) = keys::read(key).map_err(|error| crate::error::unreadable("a key", error))?;
            Ok((name.name, rows::decode(&row.value)?))
        };
        let found: Result<Vec<_>, Error> = rows.iter().take(max).map(read).collect();
        Ok((found?, rows.len() > max))
    }
}
