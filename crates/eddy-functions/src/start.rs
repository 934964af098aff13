//! From a function's row to an environment that waits for its first event.

use std::sync::Arc;
use std::time::Duration;

use eddy_base::{Cause, Fault, Id};
use eddy_runtime::{Artifact, Credentials, Failure, Guest, Package, Runtime, Spec, limits::PIDS_MAX};

use crate::Shared;
use crate::capacity::Permit;
use crate::directory::Known;
use crate::environment::{Activity, Alive, Environment, Initialized, Presence};
use crate::error::Error;
use crate::function::{LATEST, Settings};
use crate::limits::{INIT_MAX, SESSION};
use crate::output::Output;
use crate::package::Folder;
use crate::pool::{NoEnvironment, Pool};
use crate::report::Phase;

/// What environments of one build are started from.
#[derive(Clone)]
pub(crate) struct Prepared {
    build: Id,
    artifact: Artifact,
    folder: Arc<Folder>,
}

/// What is an environment's own already before it has a guest.
struct Place {
    id: Id,
    output: Arc<Output>,
    presence: Presence,
}

impl Shared {
    /// Starts one environment for the pool and tells it how it went.
    pub(crate) async fn start(self: &Arc<Shared>, pool: Arc<Pool>, permit: Permit) {
        let todo = match self.started(&pool, permit).await {
            Ok(environment) => pool.started(self, environment, self.env().monotonic()),
            Err(why) => pool.not_started(why),
        };
        self.carry_out(&pool, todo);
    }

    /// Checks that a package can run here under these settings.
    pub(crate) async fn check_runnable(&self, settings: &Settings, folder: &Folder) -> Result<(), Error> {
        self.artifact(settings, folder).await.map(|_| ())
    }

    /// Checks what can be checked of a runtime without a package: is its interpreter there?
    pub(crate) async fn check_runtime(&self, name: &str) -> Result<(), Error> {
        let Some(runtime) = (self.dialect.runtime)(name) else {
            return Err(Error::NoRuntime(name.to_owned()));
        };
        if runtime == Runtime::Bootstrap {
            return Ok(());
        }
        let package = Package { code: self.packages.root().to_path_buf(), layers: None, runtime };
        self.jail.prepare(&package).await.map(drop).map_err(|error| Error::Fault(error.into()))
    }

    async fn started(
        self: &Arc<Shared>,
        pool: &Arc<Pool>,
        permit: Permit,
    ) -> Result<Environment, NoEnvironment> {
        let known = self.known(&pool.name.scope, &pool.name.name).map_err(ours)?;
        let prepared = self.prepared(pool, &known).await.map_err(ours)?;
        let cause = pool.first_cause();
        let born = self.env().monotonic();
        let place = self.place(&known, cause);
        let (guest, init) = self.initialized(&known, &prepared, &place).await?;
        Ok(Environment {
            guest: Box::new(guest),
            build: prepared.build,
            output: place.output,
            born,
            idle_since: born,
            frozen: false,
            init: Some(init),
            presence: place.presence,
            _alive: Alive::new(self.telemetry.clone(), pool.name.name.clone(), Arc::clone(&pool.alive)),
            _folder: prepared.folder,
            _permit: permit,
        })
    }

    /// A guest that has finished its initialization. The first try has ten seconds, whatever the function's own
    /// time-out is. If it fails, for whatever reason, there is a second one as part of the invocation that waits, which
    /// has the function's time-out; the caller is told of that one, and the log of both.
    async fn initialized(
        self: &Arc<Shared>,
        known: &Known,
        prepared: &Prepared,
        place: &Place,
    ) -> Result<(Guest, Initialized), NoEnvironment> {
        let own = Duration::from_secs(known.function.settings.timeout_seconds.into());
        let mut phase = Phase::Init;
        loop {
            let began = self.env().monotonic();
            let guest = self.born(known, prepared, place).await.map_err(ours)?;
            let within = match phase {
                Phase::Init => INIT_MAX,
                Phase::Invoke => own,
            };
            let failure = match (guest.ready(within).await, phase) {
                (Ok(init), Phase::Init) => return Ok((guest, Initialized::First(init.took))),
                (Ok(init), Phase::Invoke) => return Ok((guest, Initialized::Second(init.took))),
                (Err(Failure::Host(error)), _) => return Err(ours(error)),
                (Err(failure), _) => failure,
            };
            let took = self.env().monotonic().saturating_sub(began);
            let now = self.env().now();
            if let Some(line) = place.output.form.init_report(now, took, phase, &failure) {
                place.output.note(now, line);
            }
            let usage = guest.usage();
            guest.stop().await;
            match phase {
                Phase::Init => phase = Phase::Invoke,
                Phase::Invoke => {
                    let output = Arc::clone(&place.output);
                    return Err(NoEnvironment::Failed { failure, took, usage, output });
                }
            }
        }
    }

    fn place(&self, known: &Known, cause: Option<Cause>) -> Place {
        let id = Id::random(&**self.env());
        let name = &known.pool.name;
        let settings = &known.function.settings;
        let own_group = settings.logging.as_ref().and_then(|logging| logging.group.clone());
        let stream = stream_name(self.env().now(), id, own_group.as_ref().map(|_| name.name.as_str()));
        let group = own_group.unwrap_or_else(|| (self.dialect.log_group)(&name.name));
        let output = Output::new(self.telemetry.clone(), name.scope.clone(), group, stream, settings.form());
        let presence = self.register.enter(id);
        if let Some(cause) = cause {
            presence.begins(Activity { function: name.clone(), cause });
        }
        Place { id, output, presence }
    }

    async fn born(
        &self,
        known: &Known,
        prepared: &Prepared,
        place: &Place,
    ) -> Result<Guest, eddy_runtime::Error> {
        let start = self.jail.start(&prepared.artifact, self.spec(known, place.id, &place.output));
        let (guest, ()) = tokio::join!(start, self.make_group(known, &place.output.group));
        guest
    }

    /// So that not even the first lines of a function wait for their group.
    async fn make_group(&self, known: &Known, group: &str) {
        if let Err(fault) = self.telemetry.logs().ensure_group(&known.pool.name.scope, group).await {
            tracing::warn!(%fault, group, "the log group of a function cannot be made");
        }
    }

    fn spec(&self, known: &Known, environment: Id, output: &Arc<Output>) -> Spec {
        const MEBI: u64 = 1024 * 1024;
        let name = &known.pool.name;
        let settings = &known.function.settings;
        Spec {
            environment,
            handler: settings.handler.clone(),
            function: eddy_runtime::Function {
                name: name.name.clone(),
                version: LATEST.to_owned(),
                memory_megabytes: settings.memory_mb,
                region: name.scope.region.to_string(),
                log_group: output.group.clone(),
                log_stream: output.stream.clone(),
                json_log_level: settings
                    .logging
                    .as_ref()
                    .and_then(|logging| logging.json)
                    .map(|levels| levels.application.word()),
                runtime: settings.runtime.clone(),
            },
            variables: settings.variables.0.clone(),
            credentials: Some(self.credentials(known, environment)),
            memory_bytes_max: u64::from(settings.memory_mb) * MEBI,
            tmp_bytes_max: u64::from(settings.tmp_mb) * MEBI,
            cpu_millis: None,
            pids_max: PIDS_MAX,
            logs: output.sink(),
        }
    }

    fn credentials(&self, known: &Known, environment: Id) -> Credentials {
        let name = &known.pool.name;
        let keys = self.identity.session(eddy_identity::Session {
            scope: name.scope.clone(),
            role: known.function.settings.role.clone(),
            function: name.name.clone(),
            environment: environment.to_string(),
            until: self.env().now().plus(SESSION),
        });
        Credentials { access_key: keys.access_key, secret_key: keys.secret_key, token: keys.token }
    }

    async fn prepared(&self, pool: &Pool, known: &Known) -> Result<Prepared, Error> {
        let function = &known.function;
        let mut kept = pool.prepared.lock().await;
        if let Some(prepared) = kept.as_ref().filter(|kept| kept.build == function.build) {
            return Ok(prepared.clone());
        }
        let folder = self.packages.folder(&function.code).await?;
        let artifact = self.artifact(&function.settings, &folder).await?;
        let prepared = Prepared { build: function.build, artifact, folder };
        *kept = Some(prepared.clone());
        Ok(prepared)
    }

    async fn artifact(&self, settings: &Settings, folder: &Folder) -> Result<Artifact, Error> {
        let Some(runtime) = (self.dialect.runtime)(&settings.runtime) else {
            return Err(Error::NoRuntime(settings.runtime.clone()));
        };
        let package = Package { code: folder.path(), layers: None, runtime };
        self.jail.prepare(&package).await.map_err(|error| Error::Fault(error.into()))
    }
}

impl Environment {
    /// Kills the guest, then gives up its folder and its place.
    pub(crate) async fn stop(self) {
        let Environment { guest, _folder, _permit, .. } = self;
        guest.stop().await;
    }
}

fn ours(error: impl Into<Fault>) -> NoEnvironment {
    NoEnvironment::Fault(error.into())
}

/// `2026/01/02/[$LATEST]` and 32 hexadecimal digits.
/// With the function's name in it where others may use the group too.
fn stream_name(now: eddy_base::Timestamp, environment: Id, function: Option<&str>) -> String {
    let day = now.civil().strftime("%Y/%m/%d").to_string();
    let id = environment.to_string().replace('-', "");
    match function {
        None => format!("{day}/[{LATEST}]{id}"),
        Some(function) => format!("{day}/{function}[{LATEST}][{id}]"),
    }
}
