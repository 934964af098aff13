//! The real adapter of [`Jail`]: processes in Linux jails, made by a supervisor.

mod calls;
mod family;
mod guest;
mod link;
mod logs;
mod meter;
mod notice;
mod programs;
mod view;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use eddy_base::env::{Boxed, blocking, timeout};
use eddy_base::{Env, Task};
use rustix::pipe::PipeFlags;
use rustix::process::{Resource, Rlimit};
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::{Mutex, OnceCell, watch};

use crate::contract::PYTHON_BOOTSTRAP;
use crate::contract::api::Api;
use crate::contract::frames::Frames;
use crate::contract::variables::Places;
use crate::inside::plan::{Plan, Report, Shape};
use crate::limits::{JAIL_TIME_MAX, MEMORY_BYTES_MIN};
use crate::python::{Interpreter, Interpreters};
use crate::supervisor::message::{Configure, GroupFile, Limits};
use crate::sys::{self, packet};
use crate::{Artifact, Error, Guest, Jail, Package, Runtime, Spec, Tier, Wall, Walls, runtimes};
pub use calls::{Call, Calls};
use calls::{accept, listener_of};
pub(crate) use guest::Guest as Running;
use guest::{Channel, Freezer, States};
use link::{Link, Started};
use logs::Logs;
use meter::Meter;
use view::{Outside, Parts};

/// What a jail holds beside the guest's memory and `/tmp`: its init and what the kernel keeps for it.
const OVERHEAD_BYTES: u64 = 24 * 1024 * 1024;

/// How to run jails.
pub struct Options {
    /// Tells the control groups of this data folder from those of others: `[a-z0-9-]`, at most 32 characters.
    pub instance: String,
    /// A folder of this server's alone, absolute; made if it is not there. Not for data that should last.
    pub state: PathBuf,
    /// Where [`runtimes::install`] has put boto3.
    pub runtimes: PathBuf,
    pub interpreters: Arc<Interpreters>,
    pub calls: Calls,
    /// Packages are refused on a machine that holds them less well. `B` is the default of eddy.
    pub min_tier: Tier,
    /// Walls not to build although they could be.
    pub without: Vec<Wall>,
    /// Runs the supervisor as this user of the host; as the server's own if not given.
    pub user: Option<u32>,
    /// The binary that [`crate::intercept`]s; this process's own if not given.
    pub binary: Option<PathBuf>,
}

/// Runs guests as processes in jails. Cheap to clone.
#[derive(Clone)]
pub struct Process {
    shared: Arc<Shared>,
}

struct Shared {
    env: Arc<dyn Env>,
    options: Options,
    walls: Walls,
    shape: Shape,
    link: RwLock<Arc<Link>>,
    /// Held while a supervisor is started in place of one that is gone.
    restart: Mutex<()>,
    /// Our bootstrap, as it is written and as it is compiled for each interpreter.
    bootstraps: PathBuf,
    /// The system's programs for guests, once somebody has needed them.
    programs: OnceCell<PathBuf>,
    jails: AtomicU64,
    /// Until when guests wait for libraries that are being installed; on the clock of [`Env::monotonic`].
    installing: watch::Sender<Option<Duration>>,
}

/// While this lives, guests that are started wait for what is being installed.
#[must_use]
pub struct Installing {
    shared: Arc<Shared>,
}

impl Drop for Installing {
    fn drop(&mut self) {
        self.shared.installing.send_replace(None);
    }
}

impl Process {
    /// Starts the supervisor, which sweeps what an earlier one left and finds out which walls there are.
    ///
    /// # Errors
    /// [`Error::Supervisor`] when it cannot be started, [`Error::Io`] when the state folder cannot be used.
    pub async fn start(env: Arc<dyn Env>, options: Options) -> Result<Process, Error> {
        let io = |doing| move |error: std::io::Error| Error::Io { doing, reason: error.to_string() };
        std::fs::create_dir_all(&options.state).map_err(io("make the folder of the jails"))?;
        let folders = options.state.join("tmp");
        if folders.exists() {
            std::fs::remove_dir_all(&folders).map_err(io("sweep the folders of earlier jails"))?;
        }
        // Each guest takes about fifteen descriptors here, and the usual limit is 1024.
        let open = rustix::process::getrlimit(Resource::Nofile);
        let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: open.maximum, ..open });
        let bootstraps = options.state.join("bootstrap");
        if bootstraps.exists() {
            std::fs::remove_dir_all(&bootstraps).map_err(io("remove an older bootstrap"))?;
        }
        std::fs::create_dir(&bootstraps).map_err(io("write the bootstrap"))?;
        std::fs::write(bootstraps.join("bootstrap.py"), PYTHON_BOOTSTRAP)
            .map_err(io("write the bootstrap"))?;
        let (link, ground) = Link::start(&env, options.binary.as_deref(), configure(&options)).await?;
        if ground.swept > 0 {
            tracing::info!(groups = ground.swept, "removed what an earlier supervisor left");
        }
        let shared = Shared {
            env,
            walls: ground.walls,
            shape: ground.shape,
            link: RwLock::new(Arc::new(link)),
            restart: Mutex::new(()),
            bootstraps,
            programs: OnceCell::new(),
            jails: AtomicU64::new(1),
            installing: watch::Sender::new(None),
            options,
        };
        Ok(Process { shared: Arc::new(shared) })
    }

    async fn build_empty(&self) -> Result<Duration, Error> {
        let started = self.shared.env.monotonic();
        let plan = view::empty(&self.shared.shape);
        let limits = Limits { memory_bytes: 64 << 20, notice_bytes: 64 << 20, pids: 16, cpu_millis: None };
        let id = self.shared.jails.fetch_add(1, Ordering::Relaxed);
        let link = self.shared.link().await?;
        let built = self.shared.build(&link, id, limits, &plan, &[]).await?;
        let mut end = built.end;
        // It has nothing to run, so it ends at once.
        let ended = async { end.wait_for(Option::is_some).await.map(drop) };
        match timeout(&self.shared.env, JAIL_TIME_MAX, ended).await {
            Ok(_) => Ok(self.shared.env.monotonic().saturating_sub(started)),
            Err(_) => {
                link.kill(id);
                Err(Error::Jail { step: "end an empty jail".to_owned(), reason: "it did not end".to_owned() })
            }
        }
    }

    /// Says that libraries are being installed. A guest that is started before the answer is dropped waits for that,
    /// and at most until `span` from now.
    pub fn installing(&self, span: Duration) -> Installing {
        let ends = self.shared.env.monotonic() + span;
        self.shared.installing.send_replace(Some(ends));
        Installing { shared: self.shared.clone() }
    }

    /// Ends the supervisor, which ends the guests, and waits for it.
    async fn end_supervisor(&self) {
        let link = self.shared.link.read().expect("nothing panics while it is held").clone();
        if let Some(mut child) = link.hang_up() {
            // Its exit code says nothing that could be acted on.
            let _ = blocking(&self.shared.env, move || child.wait()).await;
        }
    }
}

fn configure(options: &Options) -> Configure {
    Configure {
        instance: options.instance.clone(),
        state: options.state.clone(),
        without: options.without.clone(),
        user: options.user,
    }
}

impl Jail for Process {
    fn walls(&self) -> &Walls {
        &self.shared.walls
    }

    fn prepare<'a>(&'a self, package: &'a Package) -> Boxed<'a, Result<Artifact, Error>> {
        Box::pin(async move { self.shared.prepare(package).await })
    }

    fn start<'a>(&'a self, artifact: &'a Artifact, spec: Spec) -> Boxed<'a, Result<Guest, Error>> {
        Box::pin(async move { self.shared.start(artifact, spec).await.map(Guest::in_jail) })
    }

    fn probe<'a>(&'a self) -> Boxed<'a, Result<Duration, Error>> {
        Box::pin(self.build_empty())
    }

    fn close<'a>(&'a self) -> Boxed<'a, ()> {
        Box::pin(self.end_supervisor())
    }
}

/// A jail that stands, with its program running.
struct Built {
    started: Started,
    control: AsyncFd<OwnedFd>,
    end: watch::Receiver<Option<link::End>>,
    temporary: Option<OwnedFd>,
    listeners: Vec<OwnedFd>,
    /// Why the program cannot be run: the package's fault, told to whoever waits for the guest.
    cannot_run: Option<String>,
}

impl Shared {
    async fn prepare(&self, package: &Package) -> Result<Artifact, Error> {
        self.allowed()?;
        if !package.code.is_dir() {
            return Err(Error::Package(format!("there is no folder {}", package.code.display())));
        }
        let interpreter = match package.runtime {
            Runtime::Python { minor } => {
                let (interpreters, bootstraps) = (self.options.interpreters.clone(), self.bootstraps.clone());
                let found = blocking(&self.env, move || {
                    let python = interpreters.get(minor)?;
                    view::can_show(&python)?;
                    compile(&python, &bootstraps).map(|()| python)
                });
                let (found, programs) = tokio::join!(found, self.programs());
                programs?;
                Some(found.map_err(io("look for Python"))??)
            }
            Runtime::Bootstrap => {
                // The host's paths stand for those of the jail here.
                let layers = package.layers.as_deref().unwrap_or(Path::new("/nonexistent"));
                let places = Places {
                    task: package.code.display().to_string(),
                    layers: layers.display().to_string(),
                    ..Places::default()
                };
                let path = view::entry_point(package, &places);
                if !path.is_file() {
                    return Err(Error::Package("the package has no file named bootstrap".to_owned()));
                }
                None
            }
        };
        Ok(Artifact { package: package.clone(), interpreter })
    }

    /// Does this machine hold guests well enough?
    fn allowed(&self) -> Result<(), Error> {
        let (tier, min) = (self.walls.tier, self.options.min_tier);
        if tier <= min {
            return Ok(());
        }
        let lacking = self.walls.lacking(min);
        let first = lacking.first();
        Err(Error::Wall {
            tier,
            min,
            wall: first.map_or(Wall::Mount, |missing| missing.wall),
            reason: first.map_or(String::new(), |missing| missing.reason.clone()),
            remedy: first.map_or(String::new(), |missing| missing.remedy.clone()),
        })
    }

    async fn start(&self, artifact: &Artifact, spec: Spec) -> Result<guest::Guest, Error> {
        self.allowed()?;
        let asked_at = self.env.monotonic();
        let link = self.link().await?;
        let id = self.jails.fetch_add(1, Ordering::Relaxed);
        let (outside, mut listeners) = self.outside(id, artifact.package.runtime).await?;
        let libraries = self.libraries().await;
        let parts = Parts {
            artifact,
            spec: &spec,
            libraries: libraries.as_deref(),
            programs: self.programs().await?,
            bootstrap: &self.bootstraps.join(format!("{}.pyc", artifact.package.runtime.minor())),
            id,
            outside: outside.clone(),
        };
        let plan = view::plan(&parts, &self.shape)?;
        let ends = Ends::new(artifact.package.runtime).map_err(io("make pipes"))?;
        let limits = Limits {
            memory_bytes: spec.memory_bytes_max.max(MEMORY_BYTES_MIN) + spec.tmp_bytes_max + OVERHEAD_BYTES,
            notice_bytes: spec.memory_bytes_max,
            pids: spec.pids_max + 1,
            cpu_millis: spec.cpu_millis,
        };
        let fds: Vec<_> = ends.theirs.iter().map(AsFd::as_fd).collect();
        let built = self.build(&link, id, limits, &plan, &fds).await?;
        drop(ends.theirs);
        for listener in built.listeners {
            listeners.push(listener_of(listener).map_err(io("listen in the jail"))?);
        }
        let logs =
            Arc::new(Logs::new(self.env.clone(), spec.logs.clone(), ends.pipes).map_err(io("read pipes"))?);
        let channel = match ends.channel {
            Some(stream) => Channel::Frames(Mutex::new(Frames::new(stream))),
            None => Channel::Api(Arc::new(Api::default())),
        };
        let tasks = self.tasks(&spec, &channel, &logs, listeners);
        let (freezer, files) = freezer(built.started.files);
        Ok(guest::Guest {
            env: self.env.clone(),
            environment: spec.environment,
            id,
            link,
            control: built.control,
            channel,
            logs,
            meter: Meter::new(files, built.temporary, built.started.pid, spec.memory_bytes_max),
            freezer,
            end: built.end,
            asked_at,
            state: States::default(),
            cannot_run: built.cannot_run,
            tasks,
            folder: outside.temporary,
        })
    }

    /// The folder with the system's programs, made by whoever asks first.
    async fn programs(&self) -> Result<&Path, Error> {
        let made = self.programs.get_or_try_init(|| async {
            let (folder, interpreters) =
                (self.options.state.join("programs"), self.options.interpreters.clone());
            let gather = move || programs::gather(&folder, interpreters.all()).map(|()| folder);
            let gathered = blocking(&self.env, gather).await;
            gathered.map_err(io("copy the system's programs"))?.map_err(io("copy the system's programs"))
        });
        made.await.map(PathBuf::as_path)
    }

    /// The folder of libraries. One that is being installed is waited for.
    async fn libraries(&self) -> Option<PathBuf> {
        let mut installing = self.installing.subscribe();
        let ends = *installing.borrow_and_update();
        if let Some(ends) = ends {
            let span = ends.saturating_sub(self.env.monotonic());
            let _ = timeout(&self.env, span, installing.wait_for(Option::is_none)).await;
        }
        runtimes::installed(&self.options.runtimes)
    }

    /// Has a jail made and hears from it that its program runs.
    async fn build(
        &self,
        link: &Link,
        id: u64,
        limits: Limits,
        plan: &Plan,
        fds: &[std::os::fd::BorrowedFd<'_>],
    ) -> Result<Built, Error> {
        let (ours, theirs) = packet::pair().map_err(io("make a socket"))?;
        rustix::io::ioctl_fionbio(&ours, true).map_err(io("make a socket"))?;
        packet::send(&ours, plan, fds).map_err(io("send the plan of a jail"))?;
        let control = sys::watch(ours).map_err(io("make a socket"))?;
        let building = async {
            let (started, end) = link.jail(id, limits, theirs).await?;
            let report = link::receive::<Report>(&control).await.map_err(io("hear from a jail"))?;
            Ok((started, end, report))
        };
        let (started, end, report) = match timeout(&self.env, JAIL_TIME_MAX, building).await {
            Ok(built) => built?,
            Err(_) => {
                link.kill(id);
                return Err(Error::Jail {
                    step: "build it".to_owned(),
                    reason: "it took too long".to_owned(),
                });
            }
        };
        let failed = |step: &str, reason: String| Err(Error::Jail { step: step.to_owned(), reason });
        match report {
            Some((Report::Running { own_tmp }, mut fds)) => {
                let temporary = (own_tmp && !fds.is_empty()).then(|| fds.remove(0));
                Ok(Built { started, control, end, temporary, listeners: fds, cannot_run: None })
            }
            Some((Report::Failed { step, reason }, _)) => failed(&step, reason),
            Some((Report::NotRun { reason }, _)) => Ok(Built {
                started,
                control,
                end,
                temporary: None,
                listeners: Vec::new(),
                cannot_run: Some(reason),
            }),
            Some((Report::Ended { .. }, _)) => failed("start its program", "it ended at once".to_owned()),
            None => failed("start its program", "the jail ended while it was built".to_owned()),
        }
    }

    /// A jail without a network or file system of its own gets ports and a folder of the host.
    async fn outside(&self, id: u64, runtime: Runtime) -> Result<(Outside, Vec<TcpListener>), Error> {
        let mut outside = Outside::default();
        let mut listeners = Vec::new();
        if !self.shape.has(Wall::Network) {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let endpoint = TcpListener::bind(any).await.map_err(io("listen"))?;
            outside.endpoint = Some(endpoint.local_addr().map_err(io("listen"))?);
            listeners.push(endpoint);
            if runtime == Runtime::Bootstrap {
                let api = TcpListener::bind(any).await.map_err(io("listen"))?;
                outside.runtime_api = Some(api.local_addr().map_err(io("listen"))?);
                listeners.push(api);
            }
        }
        if !self.shape.has(Wall::Mount) {
            let folder = self.options.state.join("tmp").join(id.to_string());
            std::fs::create_dir_all(&folder).map_err(io("make a folder for temporary files"))?;
            outside.temporary = Some(folder);
        }
        Ok((outside, listeners))
    }

    /// What runs beside a guest: the pump of its output, and whoever listens for it.
    fn tasks(
        &self,
        spec: &Spec,
        channel: &Channel,
        logs: &Arc<Logs>,
        listeners: Vec<TcpListener>,
    ) -> Vec<Task> {
        let pumped = logs.clone();
        let mut tasks = vec![self.env.spawn("guest output", Box::pin(async move { pumped.pump().await }))];
        let mut listeners = listeners.into_iter();
        if let Some(listener) = listeners.next() {
            let (environment, calls) = (spec.environment, self.options.calls.clone());
            tasks.push(self.env.spawn(
                "platform endpoint",
                Box::pin(accept(self.env.clone(), listener, environment, calls)),
            ));
        }
        if let (Some(listener), Channel::Api(api)) = (listeners.next(), channel) {
            tasks
                .push(self.env.spawn("runtime api", Box::pin(api.clone().serve(self.env.clone(), listener))));
        }
        tasks
    }

    /// The supervisor, or a new one if it is gone.
    async fn link(&self) -> Result<Arc<Link>, Error> {
        let current = || self.link.read().expect("nothing panics while it is held").clone();
        let link = current();
        if !link.is_gone() {
            return Ok(link);
        }
        let _one = self.restart.lock().await;
        let link = current();
        if !link.is_gone() {
            return Ok(link);
        }
        tracing::error!("the supervisor of the jails is gone; starting another");
        let (new, _) =
            Link::start(&self.env, self.options.binary.as_deref(), configure(&self.options)).await?;
        let new = Arc::new(new);
        *self.link.write().expect("nothing panics while it is held") = new.clone();
        Ok(new)
    }
}

/// Compiles the bootstrap for an interpreter, unless it is: saves each start of a guest some milliseconds.
fn compile(python: &Interpreter, bootstraps: &Path) -> Result<(), Error> {
    let compiled = bootstraps.join(format!("{}.pyc", python.minor));
    if compiled.exists() {
        return Ok(());
    }
    let how = "import os, sys, py_compile; os.umask(0o022); py_compile.compile(sys.argv[1], sys.argv[2], '/run/eddy/bootstrap.py', True, \
               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)";
    let failed = |reason: String| Error::Jail { step: "compile the bootstrap".to_owned(), reason };
    let output = std::process::Command::new(&python.executable)
        .args(["-I", "-S", "-c", how])
        .args([&bootstraps.join("bootstrap.py"), &compiled])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(
        String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no reason given").to_owned(),
    ))
}

/// Takes what freezes out of the files of a jail's groups.
fn freezer(files: Vec<(GroupFile, OwnedFd)>) -> (Freezer, Vec<(GroupFile, OwnedFd)>) {
    let freezes = |file: &GroupFile| matches!(file, GroupFile::FreezeV1 | GroupFile::FreezeV2);
    let (mut freezers, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|(file, _)| freezes(file));
    let freezer =
        freezers.pop().map_or(Freezer::Signals, |(file, descriptor)| Freezer::File(file, descriptor));
    (freezer, others)
}

/// The descriptors between a guest and us.
struct Ends {
    /// Standard output, standard error, log records, and the channel if the contract has one.
    theirs: Vec<OwnedFd>,
    pipes: [OwnedFd; 3],
    channel: Option<UnixStream>,
}

impl Ends {
    fn new(runtime: Runtime) -> std::io::Result<Ends> {
        let [(a, stdout), (b, stderr), (c, records)] = [
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?,
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?,
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?,
        ];
        let mut theirs = vec![stdout, stderr, records];
        let channel = match runtime {
            Runtime::Python { .. } => {
                let (ours, guests) = std::os::unix::net::UnixStream::pair()?;
                ours.set_nonblocking(true)?;
                theirs.push(guests.into());
                Some(UnixStream::from_std(ours)?)
            }
            Runtime::Bootstrap => None,
        };
        Ok(Ends { theirs, pipes: [a, b, c], channel })
    }
}

fn io<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Io { doing, reason: error.to_string() }
}
