//! The wiring: opens the store, the engines, the jails and the front, and gives each what it needs.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eddy_aws::{Engines, Front};
use eddy_base::env::{blocking, timeout};
use eddy_base::{Account, Env, Fault, Region};
use eddy_bus::{Bus, Drained, Shape};
use eddy_deploy::Deployer;
use eddy_functions::{Functions, Parts};
use eddy_gateway::Gateway;
use eddy_identity::Identity;
use eddy_objects::Objects;
use eddy_runtime::python::{Interpreters, Search};
use eddy_runtime::{Jail, Process, Tier};
use eddy_store::{EXIT_CODE_FATAL, EngineKind, Space, Store, Update};
use eddy_telemetry::Telemetry;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::serve::Health;
use crate::settings::{Auth, Settings};

/// Environments that may live at once: each holds some 15 MB.
const ENVIRONMENTS_MAX: usize = 256;
/// Connections out of jails that may wait to be taken.
const CALLS_MAX: usize = 1024;
/// How long health waits for the search for interpreters, which starts when the server does.
const SEARCH_WITHIN: Duration = Duration::from_secs(2);
/// What functions find beside the interpreter, in the data folder.
const RUNTIMES: &str = "runtimes";

/// A connection that a guest made to the platform endpoint of its jail.
pub use eddy_runtime::Call as GuestCall;

/// What the server stands on. Production has [`Ports::of_machine`]; the simulation puts its own in their place.
pub struct Ports {
    pub env: Arc<dyn Env>,
    pub engine: EngineKind,
    pub guests: Guests,
    /// Called once when the store has failed: ends the process, since nothing more can be acknowledged.
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

/// What runs functions.
pub enum Guests {
    /// Processes in jails of the kernel, with the interpreters of this machine.
    Jailed,
    /// Whatever this jail makes of them. The calls that its guests make to the platform come through the receiver.
    Scripted { jail: Arc<dyn Jail>, calls: mpsc::Receiver<GuestCall> },
}

/// The assembled server.
pub struct App {
    pub engines: Arc<Engines>,
    pub bus: Bus,
    pub front: Front,
    pub deployer: Deployer,
    pub health: Health,
    pub account: Account,
    pub region: Region,
    /// Where clients reach it.
    pub address: SocketAddr,
    pub jail: Arc<dyn Jail>,
    /// The jail, where it is one of the kernel.
    pub process: Option<Process>,
    pub interpreters: Arc<Interpreters>,
    pub runtimes: PathBuf,
    /// True once the server is told to stop: answers without an end end then.
    pub closing: watch::Sender<bool>,
    min_tier: Tier,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {why}", folder.display())]
    Folder { folder: PathBuf, why: std::io::Error },
    #[error(transparent)]
    Store(#[from] eddy_store::OpenError),
    #[error(transparent)]
    Identity(#[from] eddy_identity::OpenError),
    #[error("the jails cannot be made ready: {0}")]
    Runtime(#[from] eddy_runtime::Error),
    #[error("{0}")]
    Engine(#[from] Fault),
}

/// The key spaces of every crate. A tag that stands twice is refused by the store.
fn spaces() -> Vec<Space> {
    let crates: [&[Space]; 8] = [
        &[crate::keys::SPACE],
        eddy_bus::SPACES,
        eddy_deploy::SPACES,
        eddy_functions::SPACES,
        eddy_gateway::SPACES,
        eddy_identity::SPACES,
        eddy_objects::SPACES,
        eddy_telemetry::SPACES,
    ];
    crates.concat()
}

/// The updates of every crate, as the store decides them.
fn updates() -> Vec<Update> {
    [eddy_bus::updates(), eddy_objects::updates(), eddy_telemetry::updates()].concat()
}

/// Documents that functions are handed for events, by the names that subscriptions have for them.
fn shapes() -> HashMap<String, Arc<dyn Shape>> {
    HashMap::from([(eddy_aws::s3::SHAPE.to_owned(), Arc::new(eddy_aws::s3::S3Event) as Arc<dyn Shape>)])
}

impl Ports {
    /// The disk, the kernel's jails, and the process that ends when the store fails.
    pub fn of_machine(env: Arc<dyn Env>) -> Ports {
        let on_fatal = Arc::new(|why: &str| {
            tracing::error!(why, "the store has failed; nothing more can be acknowledged");
            std::process::exit(EXIT_CODE_FATAL);
        });
        Ports { env, engine: EngineKind::default(), guests: Guests::Jailed, on_fatal }
    }
}

/// Guests that can be started.
struct Opened {
    jail: Arc<dyn Jail>,
    process: Option<Process>,
    interpreters: Arc<Interpreters>,
    calls: mpsc::Receiver<GuestCall>,
}

impl Guests {
    async fn open(self, settings: &Settings, env: Arc<dyn Env>) -> Result<Opened, Error> {
        match self {
            Guests::Jailed => {
                let interpreters = Arc::new(Interpreters::of_machine());
                let (process, calls) = open_jails(settings, env, interpreters.clone()).await?;
                let jail = Arc::new(process.clone());
                Ok(Opened { jail, process: Some(process), interpreters, calls })
            }
            Guests::Scripted { jail, calls } => {
                let interpreters = Arc::new(Interpreters::new(Search::default()));
                Ok(Opened { jail, process: None, interpreters, calls })
            }
        }
    }
}

/// Opens everything over the data folder. Calls out of jails come through the receiver.
pub async fn open(
    settings: &Settings,
    ports: Ports,
    address: SocketAddr,
    accept_loss: bool,
) -> Result<(App, mpsc::Receiver<GuestCall>), Error> {
    let folder = &settings.data.value;
    make_folder(folder)?;
    let Ports { env, engine, guests, on_fatal } = ports;
    let store = open_store(folder, env.clone(), engine, on_fatal, accept_loss)?;
    let identity = Identity::open(store.clone(), folder).await?;
    let telemetry = Telemetry::open(store.clone());
    telemetry.logs().clear_deleted().await?;
    let bus = Bus::open(store.clone())?;
    let objects = Objects::open(store.clone(), bus.clone()).await?;
    let Opened { jail, process, interpreters, calls } = guests.open(settings, env).await?;
    let functions = Functions::open(Parts {
        store: store.clone(),
        bus: bus.clone(),
        telemetry: telemetry.clone(),
        identity: identity.clone(),
        jail: jail.clone(),
        dialect: eddy_aws::lambda::dialect(),
        code_folder: folder.join("code"),
        environments_max: ENVIRONMENTS_MAX,
    })?;
    bus.attach(functions.target(), shapes());
    let gateway = Gateway::open(store.clone(), functions.clone(), eddy_aws::http_event::DIALECT);
    let account = identity.account().clone();
    let front_settings = front_settings(settings);
    let engines =
        Engines { store, identity, telemetry, objects, functions, gateway, settings: front_settings };
    let engines = Arc::new(engines);
    let front = Front::new(engines.clone());
    let app = App {
        deployer: Deployer::new(front.clone().at(address.to_string())),
        engines,
        bus,
        front,
        health: Health::default(),
        account,
        region: settings.region.value.clone(),
        address,
        jail,
        process,
        interpreters,
        runtimes: folder.join(RUNTIMES),
        closing: watch::Sender::new(false),
        min_tier: settings.min_tier.value,
    };
    Ok((app, calls))
}

fn front_settings(settings: &Settings) -> eddy_aws::Settings {
    eddy_aws::Settings {
        auth: match settings.auth.value {
            Auth::Signatures => eddy_aws::Auth::Enforce,
            Auth::None => eddy_aws::Auth::None,
        },
        domains: settings.domain.value.clone(),
        region: settings.region.value.clone(),
    }
}

/// The data folder is its owner's alone.
fn make_folder(folder: &Path) -> Result<(), Error> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|why| Error::Folder { folder: folder.to_path_buf(), why })
}

fn open_store(
    folder: &Path,
    env: Arc<dyn Env>,
    engine: EngineKind,
    on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
    accept_loss: bool,
) -> Result<Store, Error> {
    let mut options = eddy_store::Options::new(folder.join("store"), env);
    options.spaces = spaces();
    options.updates = updates();
    options.engine = engine;
    options.accept_loss = accept_loss;
    options.on_fatal = on_fatal;
    Ok(Store::open(options)?)
}

async fn open_jails(
    settings: &Settings,
    env: Arc<dyn Env>,
    interpreters: Arc<Interpreters>,
) -> Result<(Process, mpsc::Receiver<GuestCall>), Error> {
    let folder = &settings.data.value;
    let (sender, calls) = mpsc::channel(CALLS_MAX);
    let options = eddy_runtime::Options {
        instance: instance(folder)?,
        state: folder.join("jails"),
        runtimes: folder.join(RUNTIMES),
        interpreters,
        calls: Arc::new(move |call: GuestCall| {
            // A guest whose calls nobody takes any more sees its connection end.
            if sender.try_send(call).is_err() {
                tracing::warn!("a call out of a jail is dropped: too many wait");
            }
        }),
        min_tier: settings.min_tier.value,
        without: Vec::new(),
        user: None,
        binary: None,
    };
    Ok((Process::start(env, options).await?, calls))
}

/// A name for the control groups of this folder: the same at every start, and no other folder's.
fn instance(folder: &Path) -> Result<String, Error> {
    let found = std::fs::metadata(folder);
    let found = found.map_err(|why| Error::Folder { folder: folder.to_path_buf(), why })?;
    Ok(format!("{:x}-{:x}", found.dev(), found.ino()))
}

impl App {
    /// Makes and ends an empty guest.
    ///
    /// # Errors
    /// Why it could not be made.
    pub async fn probe_jail(&self) -> Result<(), String> {
        self.jail.probe().await.map(drop).map_err(|why| why.to_string())
    }

    /// What is worth knowing beside what works: no failure.
    pub async fn notes(&self) -> BTreeMap<&'static str, Value> {
        let env = self.engines.store.env();
        let walls = self.jail.walls();
        let mut notes = BTreeMap::from([("tier", json!(walls.tier.to_string()))]);
        if !walls.lacking(self.min_tier).is_empty() {
            let text =
                format!("below the minimum, {}: functions are refused; see `eddy doctor`", self.min_tier);
            notes.insert("minTier", json!(text));
        }
        let interpreters = self.interpreters.clone();
        let search = blocking(env, move || interpreters.all().len());
        // An interpreter that does not answer must not hold health up.
        let _ = timeout(env, SEARCH_WITHIN, search).await;
        if let Some(pythons) = self.interpreters.known() {
            let names = pythons.iter().map(|python| format!("python3.{}", python.minor));
            notes.insert("pythons", names.collect());
            if pythons.is_empty() {
                let text = "no Python that functions can run on; install the package python3";
                notes.insert("python", json!(text));
            }
        }
        notes
    }

    /// Lets what runs end within `span`, then ends the guests and closes the store.
    pub async fn drain(&self, span: Duration) -> Drained {
        let env = self.engines.store.env();
        let ends = env.monotonic() + span;
        let drained = self.bus.drain(span).await;
        self.engines.functions.close(ends.saturating_sub(env.monotonic())).await;
        self.jail.close().await;
        self.engines.store.clone().close().await;
        drained
    }
}
