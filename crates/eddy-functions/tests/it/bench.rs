//! What every test here stands on.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Cause, Env, Id, Scope, System};
use eddy_bus::Bus;
use eddy_functions::function::{Settings, Variables};
use eddy_functions::{Dialect, Functions, Invoke, Invoked, Package, Parts, Tags};
use eddy_identity::Identity;
use eddy_runtime::testing::{Act, InTest};
use eddy_runtime::{Event, Runtime};
use eddy_store::Store;
use eddy_telemetry::Telemetry;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Functions, with what they are made of at hand.
pub struct Bench {
    pub functions: Functions,
    pub store: Store,
    pub bus: Bus,
    pub jail: InTest,
    pub env: Arc<dyn Env>,
    pub folder: tempfile::TempDir,
}

impl Bench {
    /// Guests that do what the payload says: see [`act`].
    pub async fn new() -> Bench {
        Bench::with(1_000).await
    }

    pub async fn with(environments_max: usize) -> Bench {
        let env: Arc<dyn Env> = Arc::new(System::default());
        let jail = InTest::new(env.clone(), Arc::new(|scene, event| Box::pin(act(scene, event))));
        let store = eddy_store::testing::open_in(env.clone(), spaces(), updates());
        let folder = tempfile::tempdir().unwrap();
        Bench::over(store, folder, jail, env, environments_max).await
    }

    pub async fn over(
        store: Store,
        folder: tempfile::TempDir,
        jail: InTest,
        env: Arc<dyn Env>,
        environments_max: usize,
    ) -> Bench {
        Bench::try_over(store, folder, jail, env, environments_max).await.unwrap()
    }

    /// As [`Bench::over`], over a store that may fail.
    pub async fn try_over(
        store: Store,
        folder: tempfile::TempDir,
        jail: InTest,
        env: Arc<dyn Env>,
        environments_max: usize,
    ) -> Option<Bench> {
        let bus = Bus::open(store.clone()).ok()?;
        let identity = Identity::open(store.clone(), folder.path()).await.ok()?;
        let parts = Parts {
            store: store.clone(),
            bus: bus.clone(),
            telemetry: Telemetry::open(store.clone()),
            identity,
            jail: Arc::new(jail.clone()),
            dialect: dialect(),
            code_folder: folder.path().join("code"),
            environments_max,
        };
        let functions = Functions::open(parts).ok()?;
        bus.attach(functions.target(), Default::default());
        Some(Bench { functions, store, bus, jail, env, folder })
    }

    /// Makes a function with the default settings.
    pub async fn function(&self, name: &str) {
        self.function_with(name, settings()).await;
    }

    pub async fn function_with(&self, name: &str, settings: Settings) {
        let package = self.package(&zip(&[("app.py", "x")])).await;
        self.functions.create(&scope(), name, settings, &package, Tags::default()).await.unwrap();
    }

    pub async fn package(&self, bytes: &[u8]) -> Package {
        self.try_package(bytes).await.unwrap()
    }

    /// As [`Bench::package`], where the store may fail.
    pub async fn try_package(&self, bytes: &[u8]) -> Option<Package> {
        let mut upload = self.functions.upload().await.ok()?;
        upload.write(Bytes::copy_from_slice(bytes)).await.ok()?;
        upload.finish().await.ok()
    }

    pub fn call(&self, name: &str, payload: &str) -> Invoke {
        let request_id = Id::random(&*self.env);
        Invoke {
            scope: scope(),
            name: name.to_owned(),
            qualifier: None,
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            client_context: None,
            trace: None,
            cause: Cause::root(request_id),
            request_id,
            tail: false,
            by: None,
        }
    }

    pub async fn invoke(&self, name: &str, payload: &str) -> Invoked {
        self.functions.invoke(self.call(name, payload)).await.unwrap()
    }

    /// Waits until a condition holds that something else brings about.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if holds() {
                return;
            }
            System::default().sleep(Duration::from_millis(5)).await;
        }
        panic!("never came: {what}");
    }
}

/// Payloads are small programs: `{"do": "raise"}`, exit, memory, hang, large, print, wait (ms); anything else is
/// sent back.
async fn act(scene: eddy_runtime::testing::Scene, event: Event) -> Act {
    let asked: serde_json::Value = serde_json::from_slice(&event.payload).unwrap_or_default();
    match asked["do"].as_str().unwrap_or_default() {
        "raise" => Act::Raise { error_type: "KeyError".to_owned(), message: "'x'".to_owned() },
        "exit" => Act::Exit(1),
        "memory" => Act::OutOfMemory,
        "hang" => Act::Hang,
        "large" => Act::TooLarge(7_000_000),
        "print" => {
            scene.print("hello");
            Act::Reply("1".into())
        }
        "wait" => {
            let span = Duration::from_millis(asked["ms"].as_u64().unwrap());
            System::default().sleep(span).await;
            Act::Reply(event.payload)
        }
        "environment" => Act::Reply(format!("\"{}\"", scene.spec.environment).into()),
        "code" => Act::Reply(std::fs::read(scene.code.join("app.py")).unwrap().into()),
        "variables" => Act::Reply(serde_json::to_vec(&scene.spec.variables).unwrap().into()),
        _ => Act::Reply(event.payload),
    }
}

pub fn scope() -> Scope {
    Scope { account: Default::default(), region: Default::default() }
}

pub fn settings() -> Settings {
    Settings {
        runtime: "python3.13".to_owned(),
        handler: "app.handler".to_owned(),
        role: "arn:aws:iam::000000000000:role/r".to_owned(),
        description: String::new(),
        timeout_seconds: 3,
        memory_mb: 128,
        tmp_mb: 512,
        variables: Variables::default(),
        logging: None,
    }
}

pub fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// How many packages are unpacked.
pub fn unpacked(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder.join("code")).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().len() == 64).count()
}

pub fn updates() -> Vec<eddy_store::Update> {
    [eddy_bus::updates(), eddy_telemetry::updates()].concat()
}

pub fn spaces() -> Vec<eddy_store::Space> {
    [eddy_functions::SPACES, eddy_bus::SPACES, eddy_identity::SPACES, eddy_telemetry::SPACES].concat()
}

fn dialect() -> Dialect {
    Dialect {
        log_group: |name| format!("/functions/{name}"),
        arn: |scope, name, qualifier| format!("{}:{name}:{}", scope.region, qualifier.unwrap_or_default()),
        runtime: |name| (name == "python3.13").then_some(Runtime::Python { minor: 13 }),
    }
}
