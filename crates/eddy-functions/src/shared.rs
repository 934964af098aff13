//! The parts that everything here works with, and the tasks that run while functions are open.

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eddy_base::env::blocking;
use eddy_base::{Env, Fault, Scope, Task};
use eddy_bus::Bus;
use eddy_identity::Identity;
use eddy_runtime::Jail;
use eddy_store::{Follower, Order, Snapshot, Store};
use eddy_telemetry::Telemetry;
use tokio::sync::{mpsc, watch};

use crate::capacity::Capacity;
use crate::directory::{Directory, Known, News};
use crate::environment::Register;
use crate::error::Error;
use crate::function::Function;
use crate::keys::{self, FUNCTIONS, Kind};
use crate::looks::Looks;
use crate::package::Packages;
use crate::{Dialect, Parts, rows};

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) telemetry: Telemetry,
    pub(crate) identity: Identity,
    pub(crate) jail: Arc<dyn Jail>,
    pub(crate) dialect: Dialect,
    pub(crate) packages: Packages,
    pub(crate) directory: Arc<Directory>,
    pub(crate) register: Register,
    pub(crate) capacity: Capacity,
    pub(crate) looks: Arc<Looks>,
    /// How much short work is under way: invocations, starts, stops.
    at_work: watch::Sender<usize>,
    _follower: Follower,
    /// Those that run until the end.
    tasks: Mutex<Vec<Task>>,
}

impl Shared {
    pub(crate) fn open(parts: Parts) -> Result<Arc<Shared>, Fault> {
        let Parts { store, bus, telemetry, identity, jail, dialect, code_folder, environments_max } = parts;
        let (packages, doubtful) = Packages::open(store.clone(), code_folder).map_err(|error| {
            tracing::error!(%error, "the folder for packages cannot be made");
            Fault::internal("the folder for packages cannot be made")
        })?;
        let (directory, news) = Directory::new();
        let directory = Arc::new(directory);
        let fold = {
            let (directory, packages) = (Arc::clone(&directory), packages.clone());
            move |applied: &eddy_store::Applied| directory.apply(&packages, applied)
        };
        let (snapshot, follower) = store.follow_from(FUNCTIONS, fold);
        let shared = Arc::new(Shared {
            store,
            bus,
            telemetry,
            identity,
            jail,
            dialect,
            packages,
            directory,
            register: Register::default(),
            capacity: Capacity::new(environments_max),
            looks: Arc::default(),
            at_work: watch::Sender::new(0),
            _follower: follower,
            tasks: Mutex::default(),
        });
        shared.begin(snapshot, doubtful, news);
        Ok(shared)
    }

    fn begin(
        self: &Arc<Shared>,
        snapshot: Snapshot,
        doubtful: crate::package::Doubtful,
        news: mpsc::UnboundedReceiver<News>,
    ) {
        let env = self.env();
        let packages = self.packages.clone();
        let tasks = vec![
            env.spawn("functions.looks", Box::pin(Arc::clone(&self.looks).run(Arc::downgrade(self)))),
            env.spawn("functions.news", Box::pin(follow_news(Arc::downgrade(self), news))),
            env.spawn("functions.packages", Box::pin(packages.clone().sweep(doubtful))),
            env.spawn("functions.rows", Box::pin(read_rows(Arc::clone(env), packages, snapshot))),
        ];
        self.tasks().extend(tasks);
    }

    pub(crate) fn env(&self) -> &Arc<dyn Env> {
        self.store.env()
    }

    pub(crate) fn known(&self, scope: &Scope, name: &str) -> Result<Arc<Known>, Error> {
        self.directory.get(scope, name, || self.store.snapshot())
    }

    /// Runs a short task that is waited for at the end.
    pub(crate) fn spawn(
        self: &Arc<Shared>,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.env().spawn(name, Box::pin(self.counted(task))).detach();
    }

    /// Work that is waited for at the end, wherever it runs. It counts from now on.
    pub(crate) fn counted<T>(
        self: &Arc<Shared>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        self.at_work.send_modify(|count| *count += 1);
        let ends = AtWork(Arc::clone(self));
        async move {
            let _ends = ends;
            work.await
        }
    }

    pub(crate) async fn close(self: &Arc<Shared>, within: Duration) {
        self.close_pools();
        let mut at_work = self.at_work.subscribe();
        let idle = async {
            // The sender lives as long as this.
            let _ = at_work.wait_for(|count| *count == 0).await;
        };
        if eddy_base::env::timeout(self.env(), within, idle).await.is_err() {
            tracing::warn!("some invocations did not finish in time and are cut off");
        }
        for task in std::mem::take(&mut *self.tasks()) {
            drop(task);
        }
    }

    fn close_pools(self: &Arc<Shared>) {
        for pool in self.directory.all_pools() {
            self.stop(pool.close());
        }
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts short work while it lives, however it ends.
struct AtWork(Arc<Shared>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.send_modify(|count| *count -= 1);
    }
}

/// Retires environments as soon as their function changes or goes.
async fn follow_news(shared: std::sync::Weak<Shared>, mut news: mpsc::UnboundedReceiver<News>) {
    while let Some(news) = news.recv().await {
        let Some(shared) = shared.upgrade() else { return };
        match news {
            News::Changed { pool, build, pos } => {
                let todo = pool.learn(build, pos);
                shared.carry_out(&pool, todo);
            }
            News::Deleted { pool } => shared.stop(pool.close()),
        }
    }
}

/// Learns which packages are in use, so that the others can go.
async fn read_rows(env: Arc<dyn Env>, packages: Packages, snapshot: Snapshot) {
    let read = blocking(&env, move || {
        snapshot.each(FUNCTIONS.range(), Order::Forward, |key, row| {
            if matches!(keys::read(&key), Ok((Kind::Function, _)))
                && let Ok(function) = rows::decode::<Function>(&row.value)
            {
                packages.row_read(key, function.code.hash);
            }
            ControlFlow::Continue(())
        })?;
        packages.rows_complete().map_err(|error| eddy_store::Error::Fatal(error.to_string()))
    });
    match read.await {
        Ok(Ok(())) => {}
        // Then old packages stay until a start that can read them all.
        Ok(Err(error)) => tracing::error!(%error, "the functions could not be read"),
        Err(error) => tracing::error!(%error, "reading the functions failed"),
    }
}
