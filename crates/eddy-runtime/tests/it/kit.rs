//! A jail of this machine, functions in it, and what they said.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Env, Id, System};
use eddy_runtime::python::{Interpreters, Search};
use eddy_runtime::{
    Call, Event, Guest, Invoked, Jail, Line, Options, Package, Process, Runtime, Spec, Tier, Wall, testing,
};
use tempfile::TempDir;

/// Long enough for whatever is not meant to run out of time.
pub const LONG: Duration = Duration::from_secs(20);

/// A jail with its folder.
pub struct Kit {
    pub env: Arc<dyn Env>,
    pub jail: Process,
    pub folder: TempDir,
    pub lines: Arc<Mutex<Vec<Line>>>,
    pub calls: tokio::sync::mpsc::UnboundedReceiver<Call>,
    pub instance: String,
}

/// How a jail is to be, where it is not to be the best that there is.
#[derive(Default)]
pub struct Wish {
    pub without: Vec<Wall>,
    pub user: Option<u32>,
    pub min_tier: Option<Tier>,
    pub runtimes: Option<PathBuf>,
    /// Others than those of the machine.
    pub interpreters: Option<Arc<Interpreters>>,
    /// Another world than the real one.
    pub env: Option<Arc<dyn Env>>,
}

pub fn interpreters() -> Arc<Interpreters> {
    static ALL: OnceLock<Arc<Interpreters>> = OnceLock::new();
    ALL.get_or_init(|| Arc::new(Interpreters::of_machine())).clone()
}

/// The interpreters of the distribution.
pub fn of_system() -> Arc<Interpreters> {
    let path = vec![PathBuf::from("/usr/bin"), PathBuf::from("/usr/local/bin")];
    Arc::new(Interpreters::new(Search { path, ..Search::default() }))
}

impl Kit {
    pub async fn new() -> Kit {
        Kit::with(Wish::default()).await
    }

    pub async fn with(wish: Wish) -> Kit {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let env = wish.env.unwrap_or_else(|| Arc::new(System::default()));
        let folder = tempfile::tempdir().expect("a folder can be made");
        // A jail of another user must be able to reach what it is given.
        open(folder.path());
        let (send, calls) = tokio::sync::mpsc::unbounded_channel();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let instance = format!("test-{}-{number}", std::process::id());
        let state = folder.path().join("state");
        std::fs::create_dir(&state).expect("a folder can be made");
        if let Some(user) = wish.user {
            std::os::unix::fs::chown(&state, Some(user), None).expect("root gives folders away");
        }
        let options = Options {
            instance: instance.clone(),
            state,
            runtimes: wish.runtimes.unwrap_or_else(|| folder.path().join("runtimes")),
            interpreters: wish.interpreters.unwrap_or_else(interpreters),
            calls: Arc::new(move |call| {
                let _ = send.send(call);
            }),
            min_tier: wish.min_tier.unwrap_or(Tier::D),
            without: wish.without,
            user: wish.user,
            binary: Some(PathBuf::from(env!("CARGO_BIN_EXE_eddy-test-supervisor"))),
        };
        let jail = Process::start(env.clone(), options).await.expect("a supervisor starts");
        Kit { env, jail, folder, lines: Arc::default(), calls, instance }
    }

    /// A folder with these files.
    pub fn code(&self, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.folder.path().join(Id::random(&*self.env).to_string());
        std::fs::create_dir(&folder).expect("a folder can be made");
        open(&folder);
        for (name, text) in files {
            let path = folder.join(name);
            let parent = path.parent().expect("files are in folders");
            std::fs::create_dir_all(parent).expect("a folder can be made");
            open(parent);
            std::fs::write(&path, text).expect("a file can be written");
            open(&path);
        }
        folder
    }

    pub fn spec(&self) -> Spec {
        let lines = self.lines.clone();
        Spec {
            environment: Id::random(&*self.env),
            logs: Arc::new(move |line| lines.lock().expect("no test panics with it").push(line)),
            ..testing::spec()
        }
    }

    /// Starts `app.handler` of this source on a version.
    pub async fn python_on(&self, minor: u8, source: &str, spec: Spec) -> Guest {
        let code = self.code(&[("app.py", source)]);
        self.package(Package { code, layers: None, runtime: Runtime::Python { minor } }, spec).await
    }

    pub async fn python(&self, source: &str, spec: Spec) -> Guest {
        self.python_on(newest(), source, spec).await
    }

    pub async fn package(&self, package: Package, spec: Spec) -> Guest {
        let artifact = self.jail.prepare(&package).await.expect("it can be prepared");
        self.jail.start(&artifact, spec).await.expect("it starts")
    }

    pub fn event(&self, payload: &str) -> Event {
        Event {
            request: Id::random(&*self.env),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            deadline: self.env.now().plus(Duration::from_secs(3)),
            function_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            trace: None,
            client_context: None,
            identity: None,
            tenant: None,
        }
    }

    pub async fn invoke(&self, guest: &Guest, payload: &str) -> Invoked {
        guest.invoke(self.event(payload), LONG).await
    }

    /// The reply's JSON; panics on a failure.
    pub async fn reply(&self, guest: &Guest, payload: &str) -> serde_json::Value {
        let invoked = self.invoke(guest, payload).await;
        let reply = invoked.result.unwrap_or_else(|failure| panic!("{failure:?} {:?}", self.texts()));
        serde_json::from_slice(&reply.payload).expect("replies are JSON")
    }

    /// What was printed so far.
    pub fn texts(&self) -> Vec<String> {
        let lines = self.lines.lock().expect("no test panics with it");
        lines.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect()
    }

    /// Ends all, and holds that nothing stays.
    pub async fn close(self) {
        self.jail.close().await;
        let left = groups(&self.instance);
        assert!(left.is_empty(), "control groups stay: {left:?}");
    }
}

/// The newest Python here.
pub fn newest() -> u8 {
    interpreters().all().first().expect("these tests need a Python").minor
}

/// The folders of control groups that have this name in them.
pub fn groups(instance: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, depth: u32, name: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name().to_string_lossy() == name {
                found.push(entry.path());
            } else if depth > 0 {
                walk(&entry.path(), depth - 1, name, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/cgroup"), 6, &format!("eddy-{instance}"), &mut found);
    found
}

/// Lets everybody read.
fn open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}
