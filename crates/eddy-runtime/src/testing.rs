//! A scripted jail for the tests of other crates and for simulation: guests are closures in this process.
//!
//! Time comes from the [`Env`], so under a simulated one no real time passes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use eddy_base::env::{Boxed, timeout};
use eddy_base::{Env, Id};

use crate::limits::PIDS_MAX;
use crate::{
    Artifact, Error, Event, Failure, Freeze, Function, Init, Invoked, Jail, Line, Package, Reply, Spec,
    Stream, Tier, Usage, Wall, Walls,
};

/// A jail whose guests are scripted.
#[derive(Clone)]
pub struct InTest {
    env: Arc<dyn Env>,
    script: Script,
    inits: Inits,
    walls: Walls,
    started: Arc<AtomicU64>,
    running: Arc<AtomicU64>,
}

/// What each event does: given the environment and the event, an [`Act`].
pub type Script = Arc<dyn Fn(Scene, Event) -> Boxed<'static, Act> + Send + Sync>;

/// What the initialization of the n-th guest comes to; the first has number 1.
pub type Inits = Arc<dyn Fn(u64, &Spec) -> Result<(), Failure> + Send + Sync>;

/// What a script knows beside the event.
#[derive(Clone)]
pub struct Scene {
    pub spec: Spec,
    /// The unpacked package.
    pub code: PathBuf,
    /// Whether this event is the guest's first.
    pub cold: bool,
    env: Arc<dyn Env>,
    request: Id,
}

/// How a scripted invocation ends.
#[derive(Debug, Clone)]
pub enum Act {
    /// The handler returned this JSON.
    Reply(Bytes),
    /// The handler raised.
    Raise {
        error_type: String,
        message: String,
    },
    /// The process ended.
    Exit(i32),
    OutOfMemory,
    /// It never answers: the caller's time runs out.
    Hang,
    /// It returned this many bytes, more than allowed.
    TooLarge(u64),
}

impl InTest {
    /// Guests that answer each event by `script`.
    pub fn new(env: Arc<dyn Env>, script: Script) -> InTest {
        let walls = Walls {
            tier: Tier::A,
            standing: Wall::ALL.to_vec(),
            missing: Vec::new(),
            landlock_abi: 7,
            limits: "in test".to_owned(),
            freeze: "in test".to_owned(),
            accounting: "in test".to_owned(),
        };
        let inits = Arc::new(|_: u64, _: &Spec| Ok(()));
        InTest { env, script, inits, walls, started: Arc::default(), running: Arc::default() }
    }

    /// Guests that return what they are given.
    pub fn echo(env: Arc<dyn Env>) -> InTest {
        InTest::new(env, Arc::new(|_, event| Box::pin(async move { Act::Reply(event.payload) })))
    }

    /// Pretends to be a machine with other walls.
    #[must_use]
    pub fn with_walls(self, walls: Walls) -> InTest {
        InTest { walls, ..self }
    }

    /// Guests whose initialization may fail.
    #[must_use]
    pub fn with_inits(self, inits: Inits) -> InTest {
        InTest { inits, ..self }
    }

    /// How many guests were started so far.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::SeqCst)
    }

    /// How many guests live now.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::SeqCst)
    }
}

impl Scene {
    /// Prints a line, as the handler would.
    pub fn print(&self, text: &str) {
        (self.spec.logs)(Line {
            stream: Stream::Stdout,
            at: self.env.now(),
            request: Some(self.request),
            text: Bytes::copy_from_slice(text.as_bytes()),
        });
    }
}

impl Jail for InTest {
    fn walls(&self) -> &Walls {
        &self.walls
    }

    fn prepare<'a>(&'a self, package: &'a Package) -> Boxed<'a, Result<Artifact, Error>> {
        Box::pin(async move { Ok(Artifact { package: package.clone(), interpreter: None }) })
    }

    fn start<'a>(&'a self, artifact: &'a Artifact, spec: Spec) -> Boxed<'a, Result<crate::Guest, Error>> {
        Box::pin(async move {
            let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
            self.running.fetch_add(1, Ordering::SeqCst);
            Ok(crate::Guest::in_test(Guest {
                env: self.env.clone(),
                script: self.script.clone(),
                init: (self.inits)(number, &spec),
                code: artifact.package.code.clone(),
                spec,
                running: self.running.clone(),
                cold: AtomicBool::new(true),
                busy: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                frozen: AtomicBool::new(false),
            }))
        })
    }

    fn probe<'a>(&'a self) -> Boxed<'a, Result<Duration, Error>> {
        Box::pin(std::future::ready(Ok(Duration::ZERO)))
    }

    /// Scripts end with whoever waits for them.
    fn close<'a>(&'a self) -> Boxed<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A scripted guest.
pub(crate) struct Guest {
    env: Arc<dyn Env>,
    script: Script,
    init: Result<(), Failure>,
    code: PathBuf,
    spec: Spec,
    running: Arc<AtomicU64>,
    cold: AtomicBool,
    busy: AtomicBool,
    ended: AtomicBool,
    frozen: AtomicBool,
}

impl Guest {
    pub(crate) fn environment(&self) -> Id {
        self.spec.environment
    }

    pub(crate) async fn ready(&self, _within: Duration) -> Result<Init, Failure> {
        let init = self.init.clone().map(|()| Init { took: Duration::ZERO });
        if init.is_err() {
            self.stop();
        }
        init
    }

    pub(crate) async fn invoke(&self, event: Event, within: Duration) -> Invoked {
        let started = self.env.monotonic();
        let result = self.answer(event, within).await;
        if result.as_ref().is_err_and(Failure::ends_guest) {
            self.stop();
        }
        Invoked { result, duration: self.env.monotonic().saturating_sub(started), usage: self.usage() }
    }

    async fn answer(&self, event: Event, within: Duration) -> Result<Reply, Failure> {
        if self.busy.swap(true, Ordering::SeqCst) {
            return Err(Failure::Host(Error::Busy));
        }
        let _free = Free(&self.busy);
        if self.ended() {
            return Err(Failure::Exit { code: Some(0), signal: None });
        }
        self.set_frozen(false);
        let scene = Scene {
            spec: self.spec.clone(),
            code: self.code.clone(),
            cold: self.cold.swap(false, Ordering::SeqCst),
            env: self.env.clone(),
            request: event.request,
        };
        let act = timeout(&self.env, within, async {
            match (self.script)(scene, event).await {
                Act::Hang => std::future::pending().await,
                act => act,
            }
        });
        match act.await.map_err(|_| Failure::Timeout)? {
            Act::Reply(payload) => Ok(Reply { payload, content_type: "application/json".to_owned() }),
            Act::Raise { error_type, message } => {
                let document = serde_json::json!({
                    "errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": []
                });
                Err(Failure::Function { error_type, payload: Bytes::from(document.to_string()) })
            }
            Act::Exit(code) => Err(Failure::Exit { code: Some(code), signal: None }),
            Act::OutOfMemory => Err(Failure::OutOfMemory),
            Act::Hang => Err(Failure::Timeout),
            Act::TooLarge(bytes) => Err(Failure::ResponseTooLarge { bytes }),
        }
    }

    pub(crate) fn freeze(&self) -> Result<Freeze, Error> {
        if self.busy.load(Ordering::SeqCst) {
            return Err(Error::Busy);
        }
        self.set_frozen(true);
        Ok(Freeze::Frozen)
    }

    pub(crate) fn thaw(&self) -> Result<(), Error> {
        self.set_frozen(false);
        Ok(())
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage { memory_peak_bytes: 16 * 1024 * 1024, memory_exact: true, cpu: None }
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        if !self.ended.swap(true, Ordering::SeqCst) {
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn set_frozen(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::SeqCst);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTest").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// Ends the guest's work, also when the invocation is dropped half-way.
struct Free<'a>(&'a AtomicBool);

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A spec with the defaults of Lambda, for tests: 128 MB, 512 MB of `/tmp`, nothing logged.
pub fn spec() -> Spec {
    Spec {
        environment: Id::from_bytes([7; 16]),
        handler: "app.handler".to_owned(),
        function: Function {
            name: "f".to_owned(),
            version: "$LATEST".to_owned(),
            memory_megabytes: 128,
            region: "us-east-1".to_owned(),
            log_group: "/aws/lambda/f".to_owned(),
            log_stream: "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef".to_owned(),
            json_log_level: None,
            runtime: "python3.13".to_owned(),
        },
        variables: Vec::new(),
        credentials: None,
        memory_bytes_max: 128 << 20,
        tmp_bytes_max: 512 << 20,
        cpu_millis: None,
        pids_max: PIDS_MAX,
        logs: Arc::new(|_| {}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Runtime;
    use eddy_base::System;

    fn event(env: &dyn Env, payload: &'static str) -> Event {
        Event {
            request: Id::random(env),
            payload: Bytes::from_static(payload.as_bytes()),
            deadline: env.now(),
            function_arn: String::new(),
            trace: None,
            client_context: None,
            identity: None,
            tenant: None,
        }
    }

    #[tokio::test]
    async fn scripts_answer_hang_and_die() {
        let env: Arc<dyn Env> = Arc::new(System::default());
        let jail = InTest::new(
            env.clone(),
            Arc::new(|_, event| {
                Box::pin(async move {
                    match &event.payload[..] {
                        b"hang" => Act::Hang,
                        b"exit" => Act::Exit(3),
                        _ => Act::Reply(event.payload),
                    }
                })
            }),
        );
        let package = Package { code: PathBuf::from("/"), layers: None, runtime: Runtime::Bootstrap };
        let artifact = jail.prepare(&package).await.expect("a script needs nothing");
        for (payload, ends) in [("1", false), ("hang", true), ("exit", true)] {
            let guest = jail.start(&artifact, spec()).await.expect("a script starts");
            let invoked = guest.invoke(event(&*env, payload), Duration::from_millis(5)).await;
            assert_eq!(invoked.result.is_err(), ends, "{payload}");
            assert_eq!(guest.ended(), ends, "{payload}");
            assert_eq!(jail.running(), u64::from(!ends));
        }
        assert_eq!((jail.started(), jail.running()), (3, 0));
    }
}
