//! What is known of functions without reading the store: the rows of those in use, and their pools. A fold over
//! the commits keeps it true.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use eddy_base::{Id, Scope};
use eddy_identity::policy;
use eddy_store::{Applied, Pos, Snapshot};
use tokio::sync::mpsc;

use crate::environment::Environment;
use crate::error::{Error, unreadable};
use crate::function::{Function, Policy, Retry};
use crate::keys::{self, Kind, Name};
use crate::limits::KNOWN_MAX;
use crate::package::Packages;
use crate::pool::Pool;
use crate::rows;

/// What an invocation must know.
pub(crate) struct Known {
    pub(crate) function: Function,
    /// The commit that wrote the function's row.
    pub(crate) pos: Pos,
    pub(crate) policy: Option<policy::Document>,
    pub(crate) retry: Option<Retry>,
    pub(crate) pool: Arc<Pool>,
}

pub(crate) struct Directory {
    known: RwLock<Rows>,
    pools: Mutex<HashMap<Name, Arc<Pool>>>,
    news: mpsc::UnboundedSender<News>,
}

#[derive(Default)]
struct Rows {
    by_scope: HashMap<Scope, HashMap<String, Arc<Known>>>,
    count: usize,
    /// The last commit that changed a row. What was read before it may be out of date.
    changed: Pos,
}

/// What the fold has seen and does not do itself, since it must be quick.
pub(crate) enum News {
    Changed { pool: Arc<Pool>, build: Id, pos: Pos },
    Deleted { pool: Arc<Pool> },
}

impl Directory {
    pub(crate) fn new() -> (Directory, mpsc::UnboundedReceiver<News>) {
        let (news, receiver) = mpsc::unbounded_channel();
        (Directory { known: RwLock::default(), pools: Mutex::default(), news }, receiver)
    }

    /// The function as it stands; `snapshot` is made when it has to be read.
    pub(crate) fn get(
        &self,
        scope: &Scope,
        name: &str,
        snapshot: impl FnOnce() -> Snapshot,
    ) -> Result<Arc<Known>, Error> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.by_scope.get(scope).and_then(|names| names.get(name)) {
            return Ok(Arc::clone(found));
        }
        drop(known);
        self.read(scope, name, &snapshot())
    }

    fn read(&self, scope: &Scope, name: &str, snapshot: &Snapshot) -> Result<Arc<Known>, Error> {
        let row = |kind| keys::row(scope, kind, name);
        let Some((function, pos)) = rows::get::<Function>(snapshot, &row(Kind::Function))? else {
            return Err(Error::NoFunction(name.to_owned()));
        };
        let policy = match rows::get::<Policy>(snapshot, &row(Kind::Policy))? {
            Some((policy, _)) => Some(document(&policy)?),
            None => None,
        };
        let retry = rows::get::<Retry>(snapshot, &row(Kind::Retry))?.map(|(retry, _)| retry);
        let pool = self.pool(scope, name);
        let known = Arc::new(Known { function, pos, policy, retry, pool });
        self.keep(scope, name, &known, snapshot.pos());
        Ok(known)
    }

    fn keep(&self, scope: &Scope, name: &str, known: &Arc<Known>, read_at: Pos) {
        let mut rows = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if read_at < rows.changed {
            return;
        }
        if rows.count >= KNOWN_MAX {
            rows.by_scope.clear();
            rows.count = 0;
        }
        let names = rows.by_scope.entry(scope.clone()).or_default();
        if names.insert(name.to_owned(), Arc::clone(known)).is_none() {
            rows.count += 1;
        }
    }

    fn pool(&self, scope: &Scope, name: &str) -> Arc<Pool> {
        let name = Name { scope: scope.clone(), name: name.to_owned() };
        let mut pools = self.pools();
        Arc::clone(pools.entry(name.clone()).or_insert_with(|| Arc::new(Pool::new(name))))
    }

    /// Takes in one commit. Runs on the store's thread.
    pub(crate) fn apply(&self, packages: &Packages, applied: &Applied) {
        for (key, row) in &applied.rows {
            let Ok((kind, name)) = keys::read(key) else {
                tracing::error!(?key, "a key of a function cannot be read");
                continue;
            };
            self.forget(&name, applied.pos);
            if kind != Kind::Function {
                continue;
            }
            let function = row.as_ref().and_then(|row| rows::decode::<Function>(&row.value).ok());
            packages.row_changed(key, function.as_ref().map(|function| function.code.hash));
            self.tell(&name, function, applied.pos);
        }
    }

    fn forget(&self, name: &Name, pos: Pos) {
        let mut rows = self.known.write().unwrap_or_else(PoisonError::into_inner);
        rows.changed = rows.changed.max(pos);
        let gone = rows.by_scope.get_mut(&name.scope).and_then(|names| names.remove(&name.name));
        rows.count -= usize::from(gone.is_some());
    }

    fn tell(&self, name: &Name, function: Option<Function>, pos: Pos) {
        let news = match function {
            Some(function) => {
                let pool = self.pools().get(name).cloned();
                pool.map(|pool| News::Changed { pool, build: function.build, pos })
            }
            // A later function of this name gets a pool of its own.
            None => self.pools().remove(name).map(|pool| News::Deleted { pool }),
        };
        if let Some(news) = news {
            // Nobody listens any more when the server stops.
            let _ = self.news.send(news);
        }
    }

    /// The idle environment whose last work is longest ago, given up by its pool.
    pub(crate) fn give_up_oldest(&self) -> Option<Environment> {
        let pools = self.pools();
        let idle = pools.values().filter_map(|pool| Some((pool.oldest_idle()?, pool)));
        let (_, pool) = idle.min_by_key(|(since, _)| *since)?;
        pool.give_up_oldest()
    }

    pub(crate) fn all_pools(&self) -> Vec<Arc<Pool>> {
        self.pools().values().cloned().collect()
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Name, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The statements as one document that can be evaluated.
fn document(policy: &Policy) -> Result<policy::Document, Error> {
    policy::Document::parse(&policy.json(), policy::Kind::Resource)
        .map_err(|error| unreadable("a resource policy", error))
}
