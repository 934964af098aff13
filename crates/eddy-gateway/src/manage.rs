//! Making, reading, changing and removing APIs.

use eddy_base::{Fault, Id, Scope, Subject};
use eddy_store::{Batch, Durable, Order, Pos, Refused};

use crate::Gateway;
use crate::config::{Config, Edit};
use crate::cors::Cors;
use crate::error::Error;
use crate::keys;
use crate::limits;
use crate::rows::{self, Api, Pairs};

/// What an API is made of.
#[derive(Debug, Clone, Default)]
pub struct NewApi {
    pub name: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub cors: Option<Cors>,
    pub tags: Pairs,
    pub disabled: bool,
}

/// A page of APIs, by id.
#[derive(Debug)]
pub struct Page {
    pub apis: Vec<Api>,
    /// There are more behind the last one.
    pub more: bool,
    pub pos: Pos,
}

impl Gateway {
    /// Makes an API with what `build` adds to it, all in one commit.
    ///
    /// # Errors
    /// `LimitExceeded` about the API; what `build` says; the store's.
    pub async fn create(
        &self,
        scope: &Scope,
        new: NewApi,
        build: impl Fn(&mut Edit<'_>) -> Result<(), Fault>,
    ) -> Result<Durable<Config>, Fault> {
        let NewApi { name, description, version, cors, tags, disabled } = new;
        let store = &self.inner.store;
        let env = store.env();
        let known = store.snapshot().scan(keys::places(scope), Order::Forward, limits::APIS_MAX)?;
        if known.len() >= limits::APIS_MAX {
            let (what, max) = ("HTTP APIs of an account in a region", limits::APIS_MAX);
            return Err(Error::TooMany { what, max, subject: Subject::Api }.into());
        }
        let mut api = Api {
            id: String::new(),
            scope: scope.clone(),
            name,
            description,
            version,
            cors,
            created: env.now(),
            tags,
            disabled,
        };
        for _ in 0..limits::CHANGE_TRIES_MAX {
            api.id = Id::random_label(&**env, limits::API_ID_CHARS);
            let mut batch = Batch::new();
            batch.absent(keys::api(&api.id)).put(keys::place(scope, &api.id), Vec::new());
            let mut edit = Edit::new(&**env, None, Config::new(api.clone()));
            build(&mut edit)?;
            let config = edit.finish(&mut batch);
            match store.commit(batch, config).await {
                Ok(durable) => return Ok(durable),
                Err(error) if lost_a_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy(api.id).into())
    }

    /// Changes an API. `decide` is asked again when another change came first.
    ///
    /// # Errors
    /// `Missing` about the API; what `decide` says; `Conflict` when others never stop changing it.
    pub async fn change<T>(
        &self,
        scope: &Scope,
        api: &str,
        decide: impl Fn(&mut Edit<'_>) -> Result<T, Fault>,
    ) -> Result<Durable<(Config, T)>, Fault> {
        let store = &self.inner.store;
        let env = store.env();
        for _ in 0..limits::CHANGE_TRIES_MAX {
            let (old, pos) = self.read(scope, api)?;
            let mut batch = Batch::new();
            batch.at(keys::api(api), pos);
            let mut edit = Edit::new(&**env, Some(&old), old.clone());
            let answer = decide(&mut edit)?;
            let config = edit.finish(&mut batch);
            match store.commit(batch, (config, answer)).await {
                Ok(durable) => return Ok(durable),
                Err(error) if lost_a_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy(api.to_owned()).into())
    }

    /// Removes an API and everything below it.
    ///
    /// # Errors
    /// `Missing` about the API; the store's.
    pub async fn delete(&self, scope: &Scope, api: &str) -> Result<Durable<()>, Fault> {
        for _ in 0..limits::CHANGE_TRIES_MAX {
            let (old, pos) = self.read(scope, api)?;
            let mut batch = Batch::new();
            batch.at(keys::api(api), pos);
            old.removal(&mut batch);
            match self.inner.store.commit(batch, ()).await {
                Ok(durable) => return Ok(durable),
                Err(error) if lost_a_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy(api.to_owned()).into())
    }

    /// The API with everything below it, and the position at which it was read.
    ///
    /// # Errors
    /// `Missing` about the API.
    pub fn get(&self, scope: &Scope, api: &str) -> Result<(Config, Pos), Fault> {
        Ok(self.read(scope, api)?)
    }

    /// APIs behind `after` by id, at most `max` of them.
    ///
    /// # Errors
    /// The store's.
    pub fn list(&self, scope: &Scope, after: Option<&str>, max: usize) -> Result<Page, Fault> {
        let snapshot = self.inner.store.snapshot();
        let mut range = keys::places(scope);
        if let Some(after) = after {
            range = range.after(&keys::place(scope, after));
        }
        let places = snapshot.scan(range, Order::Forward, max.saturating_add(1))?;
        let mut apis = Vec::with_capacity(places.len().min(max));
        for (key, _) in places.iter().take(max) {
            let row = snapshot.get(&keys::api(&keys::api_of(key)?))?;
            let row = row.ok_or_else(|| Error::Unreadable("an API is listed and not there".to_owned()))?;
            apis.push(rows::decode(&row.value)?);
        }
        Ok(Page { apis, more: places.len() > max, pos: snapshot.pos() })
    }

    fn read(&self, scope: &Scope, api: &str) -> Result<(Config, Pos), Error> {
        let found = Config::read(&self.inner.store.snapshot(), api)?;
        found.filter(|(config, _)| config.api.scope == *scope).ok_or_else(|| Error::NoApi(api.to_owned()))
    }
}

/// Somebody else changed what the batch was decided on.
fn lost_a_race(error: &eddy_store::Error) -> bool {
    matches!(error, eddy_store::Error::Refused(refusal)
        if matches!(refusal.value().condition, Refused::Condition(_)))
}
