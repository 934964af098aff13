//! A bus with a scripted target.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use eddy_base::env::{Boxed, Manual};
use eddy_base::{Cause, Env, Fault, Id, Scope, Timestamp};
use eddy_bus::{
    Bus, Delivery, Event, Filter, Outcome, RetryPolicy, Shape, Source, Subscription, Target, TargetName,
};
use eddy_store::{Batch, Store};
use tokio::sync::{mpsc, oneshot};

/// How a target answers: by the event and the attempt.
pub type Script = Box<dyn Fn(&Delivery) -> Answer + Send + Sync>;

pub enum Answer {
    Now(Outcome),
    /// When the test says so, through [`Seen::answer`].
    Later,
    Panic,
}

/// A delivery that reached the target.
pub struct Seen {
    pub delivery: Delivery,
    pub at: Timestamp,
    pub answer: Option<oneshot::Sender<Outcome>>,
}

pub struct Scripted {
    script: Script,
    policy: Mutex<RetryPolicy>,
    seen: mpsc::UnboundedSender<Seen>,
    env: Arc<dyn Env>,
}

impl Target for Scripted {
    fn deliver<'a>(&'a self, delivery: Delivery) -> Boxed<'a, Outcome> {
        Box::pin(async move {
            let answer = (self.script)(&delivery);
            let (sender, later) = oneshot::channel();
            let answer_to = matches!(answer, Answer::Later).then_some(sender);
            let seen = Seen { delivery, at: self.env.now(), answer: answer_to };
            // A test that looks no further does not read.
            let _ = self.seen.send(seen);
            match answer {
                Answer::Now(outcome) => outcome,
                Answer::Later => match later.await {
                    Ok(outcome) => outcome,
                    Err(_) => std::future::pending().await,
                },
                Answer::Panic => panic!("this target panics, as the test wants"),
            }
        })
    }

    fn policy(&self, _target: &TargetName) -> RetryPolicy {
        *self.policy.lock().expect("no test panics here")
    }
}

/// Writes the subject in front of the data; refuses events whose subject is `unshapely`.
struct Marked;

impl Shape for Marked {
    fn render(&self, event: &Event, _: &str) -> Result<Bytes, Fault> {
        if event.subject == "unshapely" {
            return Err(Fault::invalid("it has no shape"));
        }
        Ok(Bytes::from([event.subject.as_bytes(), b"=", &event.data].concat()))
    }
}

pub struct World {
    pub env: Manual,
    pub store: Store,
    pub bus: Bus,
    pub seen: mpsc::UnboundedReceiver<Seen>,
    pub target: Arc<Scripted>,
}

pub const START: i64 = 1_700_000_000;

pub fn store(env: &Manual) -> Store {
    eddy_store::testing::open_in(Arc::new(env.clone()), eddy_bus::SPACES, eddy_bus::updates())
}

impl World {
    pub fn new(script: impl Fn(&Delivery) -> Answer + Send + Sync + 'static) -> World {
        let env = Manual::new(Timestamp::from_seconds(START));
        let store = store(&env);
        World::over(env, store, script)
    }

    /// A bus that is not attached yet.
    pub fn over(
        env: Manual,
        store: Store,
        script: impl Fn(&Delivery) -> Answer + Send + Sync + 'static,
    ) -> World {
        let (sender, seen) = mpsc::unbounded_channel();
        let target = Arc::new(Scripted {
            script: Box::new(script),
            policy: Mutex::new(RetryPolicy::default()),
            seen: sender,
            env: Arc::new(env.clone()),
        });
        let bus = Bus::open(store.clone()).expect("the store can be read");
        World { env, store, bus, seen, target }
    }

    #[must_use]
    pub fn with_policy(self, policy: RetryPolicy) -> World {
        *self.target.policy.lock().expect("no test panics here") = policy;
        self
    }

    #[must_use]
    pub fn attached(self) -> World {
        let marked: Arc<dyn Shape> = Arc::new(Marked);
        self.bus.attach(self.target.clone(), HashMap::from([("marked".to_owned(), marked)]));
        self
    }

    /// The same store with a new bus, as after a crash of everything but the disk.
    pub fn restarted(self, script: impl Fn(&Delivery) -> Answer + Send + Sync + 'static) -> World {
        let World { env, store, bus, target, .. } = self;
        let policy = *target.policy.lock().expect("no test panics here");
        drop(bus);
        World::over(env, store, script).with_policy(policy)
    }

    pub async fn subscribe(&self, source: &Source, wanted: Vec<Subscription>) {
        let mut batch = Batch::new();
        self.bus.stage_subscriptions(&mut batch, source, wanted).expect("the store can be read");
        self.store.commit(batch, ()).await.expect("the store commits");
    }

    pub async fn happen(&self, event: &Event) {
        let mut batch = Batch::new();
        self.bus.stage(&mut batch, event);
        self.store.commit(batch, ()).await.expect("the store commits");
    }

    /// The next delivery that reaches the target.
    pub async fn next(&mut self) -> Seen {
        let limit = tokio::time::Duration::from_secs(20);
        #[expect(clippy::disallowed_methods, reason = "a test that hangs should fail")]
        let seen = tokio::time::timeout(limit, self.seen.recv()).await;
        seen.expect("a delivery comes").expect("the target lives")
    }

    /// Lets the bus come to rest: everything is delivered, written down and asleep until `span` from now.
    pub async fn rest(&self, span: Duration) {
        let asleep = self.env.asleep_for(span).await;
        assert_eq!(asleep, span);
    }

    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// Commits until something is so: each commit takes along what was recorded before it.
    pub async fn until(&self, is_so: impl Fn(&Bus) -> bool) {
        while !is_so(&self.bus) {
            let mut batch = Batch::new();
            batch.put_until(eddy_bus::SPACE.key().u8(9).cell().key(), "beat", self.now());
            self.store.commit(batch, ()).await.expect("the store commits");
        }
    }

    /// Ends deliveries and waits until nothing is on its way.
    pub async fn drained(&self) -> eddy_bus::Drained {
        self.bus.drain(Duration::from_secs(10)).await
    }

    pub fn event(&self, source: &Source, subject: &str) -> Event {
        let id = Id::random(&self.env);
        let kind = match source {
            Source::Bucket { .. } => "object.created.put",
            Source::Function { .. } => Event::INVOKE,
        };
        Event {
            id,
            at: self.env.now(),
            source: source.clone(),
            kind: kind.into(),
            subject: subject.into(),
            cause: Cause::root(Id::random(&self.env)),
            data: Bytes::from_static(b"data"),
        }
    }
}

pub fn scope() -> Scope {
    Scope { account: Default::default(), region: Default::default() }
}

pub fn bucket(name: &str) -> Source {
    Source::Bucket { scope: scope(), name: name.into() }
}

pub fn function(name: &str) -> Source {
    Source::Function { scope: scope(), name: name.into(), qualifier: None }
}

pub fn target(name: &str) -> TargetName {
    TargetName::Function { scope: scope(), name: name.into(), qualifier: None }
}

pub fn subscription(id: &str, filter: Filter) -> Subscription {
    Subscription { id: id.into(), filter, target: target(id), shape: "marked".into(), retry_base_ms: None }
}

pub fn everything() -> Filter {
    Filter::default()
}

pub fn done() -> Answer {
    Answer::Now(Outcome::Done)
}

pub fn failed(text: &str) -> Outcome {
    Outcome::Failed {
        error_type: "ValueError".into(),
        message: text.into(),
        trace: Some("Traceback: ...".into()),
        code_version: "$LATEST".into(),
    }
}

pub fn put_back() -> Outcome {
    Outcome::PutBack { after: None, reason: "too many at once".into() }
}

/// How often each subject was seen.
pub fn counts(seen: &[Seen]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for seen in seen {
        *counts.entry(seen.delivery.event.subject.clone()).or_default() += 1;
    }
    counts
}
