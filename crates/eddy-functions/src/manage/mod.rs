//! Making, reading, changing and removing functions and what hangs on them.

mod policy;
mod retry;
mod tags;
mod url;

use std::ops::ControlFlow;

use eddy_base::{Fault, Id, Scope};
use eddy_store::{Batch, Durable, Key, Order, Pos};

pub use tags::Tags;

use crate::Functions;
use crate::error::Error;
use crate::function::{Code, Function, Settings, Url};
use crate::keys::{self, Kind};
use crate::limits::CHANGE_TRIES_MAX;
use crate::package::{Package, Upload};
use crate::rows::{self, Place};

/// A page of functions, by name.
#[derive(Debug)]
pub struct Page {
    pub functions: Vec<Function>,
    /// There are more behind the last one.
    pub more: bool,
    pub pos: Pos,
}

/// What functions take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub functions: u64,
    /// Of all packages, zipped.
    pub code_bytes: u64,
}

impl Functions {
    /// Begins to receive a package.
    ///
    /// # Errors
    /// `NoRoom`; `Unavailable`.
    pub async fn upload(&self) -> Result<Upload, Fault> {
        Ok(self.shared.packages.upload().await?)
    }

    /// Can functions of this runtime run here? What depends on the package is found when there is one.
    ///
    /// # Errors
    /// `Unsupported` about the runtime or about the walls of this machine.
    pub async fn check_runtime(&self, runtime: &str) -> Result<(), Fault> {
        Ok(self.shared.check_runtime(runtime).await?)
    }

    /// Makes a function. It can be invoked as soon as this returns.
    ///
    /// # Errors
    /// `Exists` about the function; `LimitExceeded` about the tags; `Unsupported` about the runtime or about the
    /// walls of this machine.
    pub async fn create(
        &self,
        scope: &Scope,
        name: &str,
        settings: Settings,
        package: &Package,
        tags: Tags,
    ) -> Result<Durable<Function>, Fault> {
        let made = self.try_create(scope, name, settings, package, tags).await;
        self.unless_named(package, made).await
    }

    async fn try_create(
        &self,
        scope: &Scope,
        name: &str,
        settings: Settings,
        package: &Package,
        tags: Tags,
    ) -> Result<Durable<Function>, Error> {
        tags.check()?;
        self.shared.check_runnable(&settings, package.folder()).await?;
        let key = keys::row(scope, Kind::Function, name);
        let code = package.code().clone();
        let mut batch = Batch::new();
        batch.absent(key.clone()).hold(code.blob, key.clone());
        let function = self.written(&mut batch, key, name, settings, code);
        if !tags.is_empty() {
            batch.put(keys::row(scope, Kind::Tags, name), rows::encode(&tags));
        }
        self.shared.store.commit(batch, function).await.map_err(|error| {
            if rows::lost_a_race(&error) { Error::FunctionExists(name.to_owned()) } else { error.into() }
        })
    }

    /// Removes the stored copy of a package that no row names, unless the change may have taken effect after all.
    async fn unless_named<T>(&self, package: &Package, change: Result<T, Error>) -> Result<T, Fault> {
        let fault = match change {
            Ok(done) => return Ok(done),
            Err(error) => Fault::from(error),
        };
        if !fault.code.may_have_taken_effect() {
            self.shared.store.blobs().discard(package.code().blob).await;
        }
        Err(fault)
    }

    /// The function, and the commit that wrote it last.
    ///
    /// # Errors
    /// `Missing` about the function.
    pub fn get(&self, scope: &Scope, name: &str) -> Result<(Function, Pos), Fault> {
        let known = self.shared.known(scope, name)?;
        Ok((known.function.clone(), known.pos))
    }

    /// Functions behind `after` by name, at most `max` of them.
    ///
    /// # Errors
    /// The store's.
    pub fn list(&self, scope: &Scope, after: Option<&str>, max: usize) -> Result<Page, Fault> {
        let snapshot = self.shared.store.snapshot();
        let mut range = keys::all(scope, Kind::Function);
        if let Some(after) = after {
            range = range.after(&keys::row(scope, Kind::Function, after));
        }
        let rows = snapshot.scan(range, Order::Forward, max + 1)?;
        let more = rows.len() > max;
        let functions = rows.iter().take(max).map(|(_, row)| rows::decode(&row.value));
        Ok(Page { functions: functions.collect::<Result<_, Error>>()?, more, pos: snapshot.pos() })
    }

    /// What the functions of an account and region come to. Reads all of them, so not for the executor.
    ///
    /// # Errors
    /// The store's.
    pub fn usage(&self, scope: &Scope) -> Result<(Usage, Pos), Fault> {
        let snapshot = self.shared.store.snapshot();
        let mut usage = Usage::default();
        let mut wrong = Ok(());
        snapshot.each(keys::all(scope, Kind::Function), Order::Forward, |_, row| {
            match rows::decode::<Function>(&row.value) {
                Ok(function) => {
                    usage.functions += 1;
                    usage.code_bytes += function.code.size_bytes;
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    wrong = Err(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        wrong?;
        Ok((usage, snapshot.pos()))
    }

    /// How many environments may live at once, all functions together.
    pub fn environments_max(&self) -> usize {
        self.shared.capacity.max()
    }

    /// Changes settings. `revision`, when given, must be the current one. `change` is called more than once.
    ///
    /// # Errors
    /// `Missing`; `ConditionFailed` about the revision; `Unsupported` about the runtime; whatever `change` says.
    pub async fn change_settings(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        change: impl Fn(&mut Settings) -> Result<(), Fault> + Send + Sync,
    ) -> Result<Durable<Function>, Fault> {
        let old = self.shared.known(scope, name)?;
        let mut trial = old.function.settings.clone();
        change(&mut trial)?;
        if trial.runtime != old.function.settings.runtime {
            let folder = self.shared.packages.folder(&old.function.code).await?;
            self.shared.check_runnable(&trial, &folder).await?;
        }
        let decide = |old: Function, _: &mut Batch| {
            let mut settings = old.settings;
            change(&mut settings)?;
            Ok((settings, old.code))
        };
        Ok(self.change_function(scope, name, revision, decide).await?)
    }

    /// Changes the code. `revision`, when given, must be the current one.
    ///
    /// # Errors
    /// `Missing`; `ConditionFailed` about the revision; `Invalid` about a package that the runtime cannot run.
    pub async fn change_code(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        package: &Package,
    ) -> Result<Durable<Function>, Fault> {
        let changed = self.try_change_code(scope, name, revision, package).await;
        self.unless_named(package, changed).await
    }

    async fn try_change_code(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        package: &Package,
    ) -> Result<Durable<Function>, Error> {
        let old = self.shared.known(scope, name)?;
        self.shared.check_runnable(&old.function.settings, package.folder()).await?;
        let key = keys::row(scope, Kind::Function, name);
        let decide = |old: Function, batch: &mut Batch| {
            let code = package.code().clone();
            batch.hold(code.blob, key.clone()).release(old.code.blob, key.clone());
            Ok((old.settings, code))
        };
        self.change_function(scope, name, revision, decide).await
    }

    /// Deletes a function and what hangs on it: policy, URL, configuration, tags. Its log stays.
    ///
    /// # Errors
    /// `Missing` about the function.
    pub async fn delete(&self, scope: &Scope, name: &str) -> Result<Durable<()>, Fault> {
        let function = keys::row(scope, Kind::Function, name);
        let url = keys::row(scope, Kind::Url, name);
        for _ in 0..CHANGE_TRIES_MAX {
            let snapshot = self.shared.store.snapshot();
            let Some((old, pos)) = rows::get::<Function>(&snapshot, &function)? else {
                return Err(Error::NoFunction(name.to_owned()).into());
            };
            let mut batch = Batch::new();
            batch.at(function.clone(), pos).release(old.code.blob, function.clone());
            match rows::get::<Url>(&snapshot, &url)? {
                Some((value, pos)) => {
                    batch.at(url.clone(), pos).delete(keys::url_owner(&value.id)).across_cells();
                }
                None => {
                    batch.absent(url.clone());
                }
            }
            for kind in Kind::ALL {
                batch.delete(keys::row(scope, kind, name));
            }
            match self.shared.store.commit(batch, ()).await {
                Ok(durable) => return Ok(durable),
                Err(error) if rows::lost_a_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy(name.to_owned()).into())
    }

    /// The zip that a function runs, for whoever wants to look at it.
    pub fn code(&self, code: &Code) -> eddy_store::BlobReader {
        self.shared.store.blobs().read(code.blob, 0..code.size_bytes)
    }

    async fn change_function(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        decide: impl Fn(Function, &mut Batch) -> Result<(Settings, Code), Error> + Send + Sync,
    ) -> Result<Durable<Function>, Error> {
        let place = Place { scope, name, kind: Kind::Function };
        let decide = |old: &Function, _: Option<Function>, batch: &mut Batch| {
            old.check_revision(revision)?;
            let (settings, code) = decide(old.clone(), batch)?;
            let function = self.made(name, settings, code);
            Ok((Some(function.clone()), function))
        };
        rows::change(&self.shared.store, place, decide).await
    }

    fn written(&self, batch: &mut Batch, key: Key, name: &str, settings: Settings, code: Code) -> Function {
        let function = self.made(name, settings, code);
        batch.put(key, rows::encode(&function));
        function
    }

    /// A function as of now, of a build and a revision of its own.
    fn made(&self, name: &str, settings: Settings, code: Code) -> Function {
        let env = self.shared.store.env();
        let (build, revision) = (Id::random(&**env), Id::random(&**env));
        Function { name: name.to_owned(), build, revision, modified: env.now(), settings, code }
    }
}
