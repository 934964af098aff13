//! The real server on a disk in memory: started, killed, stopped and started again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eddy::assemble::{self, App, Guests, Ports};
use eddy::serve::Doors;
use eddy::settings::{Auth, Origin, Setting, Settings};
use eddy_base::{Env, Region};
use eddy_runtime::testing::InTest;
use eddy_runtime::{Call, Tier};
use eddy_store::EngineKind;
use eddy_store::testing::Disk;
use eddy_wire::sign::Credentials;
use tokio::sync::{Notify, mpsc};

use crate::guest::{Stage, script};
use crate::world::{Draw, Host, World};

/// Where it listens.
pub const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);
/// What requests and functions get to end in when it is stopped.
const DRAIN: Duration = Duration::from_secs(10);
/// Calls of guests that may wait.
const CALLS_MAX: usize = 1024;

/// A server and its disk. The folder holds the root key and the unpacked packages.
pub struct Server {
    world: World,
    pub disk: Disk,
    stage: Arc<Stage>,
    settings: Settings,
    /// Kept as long as the server; removed with it.
    _folder: tempfile::TempDir,
    running: Mutex<Option<Running>>,
    died: Arc<Notify>,
    /// It serves now.
    came_up: Notify,
}

struct Running {
    host: Host,
    app: Arc<App>,
    doors: Doors,
}

impl Server {
    pub fn new(world: &World, stage: Arc<Stage>) -> Server {
        let folder = if std::path::Path::new("/dev/shm").is_dir() {
            tempfile::tempdir_in("/dev/shm")
        } else {
            tempfile::tempdir()
        };
        let folder = folder.expect("a temporary folder can be made");
        let settings = Settings {
            data: setting(folder.path().to_path_buf()),
            listen: setting(ADDRESS),
            auth: setting(Auth::Signatures),
            region: setting(Region::default()),
            min_tier: setting(Tier::B),
            domain: setting(Vec::new()),
        };
        Server {
            world: world.clone(),
            disk: Disk::new(),
            stage,
            settings,
            _folder: folder,
            running: Mutex::default(),
            died: Arc::default(),
            came_up: Notify::new(),
        }
    }

    /// Starts it on what is on its disk.
    ///
    /// # Errors
    /// Why it cannot start.
    pub async fn start(&self, accept_loss: bool) -> Result<(), String> {
        // A process takes its time to start, and what is left of the last one is gone by then.
        self.world.sleep(Duration::from_millis(1)).await;
        let host = Host::new(&self.world);
        let env: Arc<dyn Env> = Arc::new(host.clone());
        let (sender, calls) = mpsc::channel::<Call>(CALLS_MAX);
        let failed = Arc::new(Notify::new());
        let jail = InTest::new(env.clone(), script(&self.stage, sender));
        let ports = Ports {
            env: env.clone(),
            engine: EngineKind::Memory(self.disk.clone()),
            guests: Guests::Scripted { jail: Arc::new(jail), calls },
            on_fatal: self.on_fatal(&host, &failed),
        };
        let (operations, disk) = (self.disk.operations(), self.disk.hash());
        self.world.note(format_args!("server starts on the disk {disk:016x} of {operations} operations"));
        let opening = assemble::open(&self.settings, ports, ADDRESS, accept_loss);
        let opened = tokio::select! {
            biased;
            () = failed.notified() => Err("the store failed while it opened".to_owned()),
            opened = opening => opened.map_err(|why| why.to_string()),
        };
        let (app, calls) = match opened {
            Ok(opened) => opened,
            Err(why) => {
                // The folder has another name in each run.
                let folder = self.settings.data.value.display().to_string();
                let why = why.replace(&folder, "DATA");
                self.world.note(format_args!("server does not start: {why}"));
                host.kill();
                self.disk.crash();
                return Err(why);
            }
        };
        let app = Arc::new(app);
        let listener = env.listen(ADDRESS).await.map_err(|why| why.to_string())?;
        let doors = Doors::open(app.clone(), listener, calls);
        *self.running() = Some(Running { host, app, doors });
        self.came_up.notify_waiters();
        self.world.note(format_args!("server serves"));
        Ok(())
    }

    /// What a process does whose store has failed: it is gone at once.
    fn on_fatal(&self, host: &Host, failed: &Arc<Notify>) -> Arc<dyn Fn(&str) + Send + Sync> {
        let (world, host, disk) = (self.world.clone(), host.clone(), self.disk.clone());
        let (died, failed) = (self.died.clone(), failed.clone());
        Arc::new(move |why: &str| {
            world.note(format_args!("server ends itself: {why}"));
            host.kill();
            disk.crash();
            failed.notify_one();
            died.notify_one();
        })
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        if let Some(running) = self.running().as_ref()
            && running.host.is_alive()
        {
            self.world.note(format_args!("server is killed"));
            running.host.kill();
            self.disk.crash();
            self.died.notify_one();
        }
    }

    /// Starts it again whenever it has died. Never ends by itself.
    pub async fn keep_up(&self, mut draw: Draw) {
        loop {
            self.died.notified().await;
            drop(self.running().take());
            self.world.sleep(Duration::from_millis(1 + draw.below(300))).await;
            while self.start(false).await.is_err() {
                self.world.sleep(Duration::from_millis(1 + draw.below(300))).await;
            }
        }
    }

    /// Stops it as SIGTERM does, unless it is dead.
    pub async fn stop(&self) {
        let Some(Running { host, app, doors }) = self.running().take() else { return };
        if !host.is_alive() {
            return;
        }
        self.world.note(format_args!("server is told to stop"));
        doors.close(DRAIN).await;
        let drained = app.drain(DRAIN).await;
        self.world.note(format_args!("server stops: {drained:?}"));
        host.kill();
    }

    /// Waits until it serves.
    pub async fn up(&self) {
        loop {
            let came_up = self.came_up.notified();
            if self.running().is_some() {
                return;
            }
            came_up.await;
        }
    }

    /// The server inside, while it serves.
    pub fn app(&self) -> Option<Arc<App>> {
        self.running().as_ref().map(|running| running.app.clone())
    }

    pub fn root(&self) -> Option<Credentials> {
        let app = self.app()?;
        let root = app.engines.identity.root();
        Some(Credentials {
            access_key: root.access_key.clone(),
            secret_key: root.secret_key.clone(),
            token: None,
        })
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn setting<T>(value: T) -> Setting<T> {
    Setting { value, origin: Origin::Default }
}
