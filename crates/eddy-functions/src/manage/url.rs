//! The address at which a function answers HTTP. Serving it is the gateway's.

use eddy_base::{Fault, Id, Scope};
use eddy_store::{Batch, Durable, Pos};
use minicbor::{Decode, Encode};

use crate::Functions;
use crate::error::Error;
use crate::function::{Auth, Cors, Function, Url};
use crate::keys::{self, Kind, Name};
use crate::rows::{self, Place};

/// The characters of a URL's label in host names.
const LABEL_LENGTH: usize = 32;

/// Whose URL it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Owner {
    #[n(0)]
    scope: Scope,
    #[n(1)]
    name: String,
}

impl Functions {
    /// Gives a function a URL.
    ///
    /// # Errors
    /// `Missing` about the function; `Exists` about its URL.
    pub async fn create_url(
        &self,
        scope: &Scope,
        name: &str,
        auth: Auth,
        cors: Option<Cors>,
    ) -> Result<Durable<Url>, Fault> {
        let env = self.shared.store.env();
        let (id, now) = (Id::random_label(&**env, LABEL_LENGTH), env.now());
        let url = Url { id: id.clone(), auth, cors, created: now, modified: now };
        let owner = Owner { scope: scope.clone(), name: name.to_owned() };
        let decide = |_: &Function, old: Option<Url>, batch: &mut Batch| {
            if old.is_some() {
                return Err(Error::UrlExists(name.to_owned()));
            }
            let key = keys::url_owner(&id);
            batch.absent(key.clone()).put(key, rows::encode(&owner)).across_cells();
            Ok((Some(url.clone()), url.clone()))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Kind::Url }, decide).await?)
    }

    /// Changes the URL of a function; its address stays.
    ///
    /// # Errors
    /// `Missing` about the function or the URL.
    pub async fn change_url(
        &self,
        scope: &Scope,
        name: &str,
        change: impl Fn(&mut Url) + Send + Sync,
    ) -> Result<Durable<Url>, Fault> {
        let now = self.shared.store.env().now();
        let decide = |_: &Function, old: Option<Url>, _: &mut Batch| {
            let mut url = old.ok_or_else(|| Error::NoUrl(name.to_owned()))?;
            change(&mut url);
            url.modified = now;
            Ok((Some(url.clone()), url))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Kind::Url }, decide).await?)
    }

    /// Takes the URL away. A later one has another address.
    ///
    /// # Errors
    /// `Missing` about the function or the URL.
    pub async fn delete_url(&self, scope: &Scope, name: &str) -> Result<Durable<()>, Fault> {
        let decide = |_: &Function, old: Option<Url>, batch: &mut Batch| {
            let url = old.ok_or_else(|| Error::NoUrl(name.to_owned()))?;
            batch.delete(keys::url_owner(&url.id)).across_cells();
            Ok((None, ()))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Kind::Url }, decide).await?)
    }

    /// The URL of a function, and the commit that wrote it.
    ///
    /// # Errors
    /// `Missing` about the function or the URL.
    pub fn url(&self, scope: &Scope, name: &str) -> Result<(Url, Pos), Fault> {
        self.shared.known(scope, name)?;
        let key = keys::row(scope, Kind::Url, name);
        let found = rows::get(&self.shared.store.snapshot(), &key)?;
        Ok(found.ok_or_else(|| Error::NoUrl(name.to_owned()))?)
    }

    /// Which function answers at the URL with this id, for the data plane.
    ///
    /// # Errors
    /// `Missing` when no function does.
    pub fn url_by_id(&self, id: &str) -> Result<(Name, Url), Fault> {
        let missing = || Fault::from(Error::NoUrl(id.to_owned()));
        let snapshot = self.shared.store.snapshot();
        let Some((Owner { scope, name }, _)) = rows::get(&snapshot, &keys::url_owner(id))? else {
            return Err(missing());
        };
        let key = keys::row(&scope, Kind::Url, &name);
        let (url, _) = rows::get::<Url>(&snapshot, &key)?.ok_or_else(missing)?;
        Ok((Name { scope, name }, url))
    }
}
