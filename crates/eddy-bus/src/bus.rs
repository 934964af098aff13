//! What callers hold: staging events and subscriptions, starting and ending deliveries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eddy_base::{Code, Fault, Subject, Task};
use eddy_store::{Appended, Batch, Follower, Store};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::dispatch::{Dispatcher, Message, Ports};
use crate::keys::{self, SPACE};
use crate::limits::{PROGRESS_BEHIND_MAX, SUBSCRIPTIONS_MAX};
use crate::registry::{Known, Registry};
use crate::rows::{Entry, to_bytes};
use crate::updates::{ENROLL, Enroll};
use crate::{Drained, Event, Filter, Progress, Shape, Source, Subscription, Target, TargetName};

/// Events in motion. Cheap to clone; deliveries end with the last clone.
#[derive(Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    registry: Arc<Registry>,
    progress: broadcast::Sender<Progress>,
    dispatcher: Mutex<Option<Attached>>,
    _follower: Follower,
}

struct Attached {
    sender: mpsc::UnboundedSender<Message>,
    /// Dropping it ends the deliveries.
    _task: Task,
}

/// What [`Bus::stage`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staged {
    /// Nobody is subscribed, so the event goes nowhere.
    Nobody,
    /// It is in the batch, at this one of its appends.
    Event(Appended),
}

impl Bus {
    /// Reads who is subscribed to what. Nothing is delivered before [`Bus::attach`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(store: Store) -> Result<Bus, Fault> {
        let registry = Arc::new(Registry::default());
        let fold = Arc::clone(&registry);
        let (snapshot, follower) = store.follow_from(SPACE, move |applied| fold.fold(applied));
        registry.load(&snapshot)?;
        let progress = broadcast::Sender::new(PROGRESS_BEHIND_MAX);
        let inner = Inner { store, registry, progress, dispatcher: Mutex::default(), _follower: follower };
        Ok(Bus { inner: Arc::new(inner) })
    }

    /// Starts deliveries. `shapes` are named by [`Subscription::shape`]; [`Subscription::RAW`] needs none.
    ///
    /// # Panics
    /// When called twice.
    pub fn attach(&self, target: Arc<dyn Target>, shapes: HashMap<String, Arc<dyn Shape>>) {
        let (sender, inbox) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher::new(
            self.inner.store.clone(),
            Arc::clone(&self.inner.registry),
            Ports { target, shapes },
            self.inner.progress.clone(),
            (sender.clone(), inbox),
        );
        let mut attached = self.inner.dispatcher.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(attached.is_none(), "a bus has one target");
        self.inner.registry.attach();
        let task = self.inner.store.env().spawn("bus", Box::pin(dispatcher.run()));
        *attached = Some(Attached { sender, _task: task });
    }

    /// Stages an event in the batch of the change that causes it: one append, and nothing at all when nobody is
    /// subscribed to its source. A function's source has the function itself as its subscriber; the first event
    /// of one adds an update of that source's set, so such a batch must not have another home.
    pub fn stage(&self, batch: &mut Batch, event: &Event) -> Staged {
        if !self.inner.registry.is_wanted(&event.source) {
            match &event.source {
                Source::Bucket { .. } => return Staged::Nobody,
                Source::Function { .. } => self.enroll_itself(batch, &event.source),
            }
        }
        let entry = to_bytes(&Entry::Event(event.clone()));
        Staged::Event(batch.append(keys::log(&event.source), entry))
    }

    /// Makes `wanted` the subscriptions of a source, in the caller's batch, which may then touch several cells.
    /// Those that keep their id keep their position. Those that go still get what was acknowledged before.
    ///
    /// # Errors
    /// When there are more than 1,000, and when the store cannot be read.
    pub fn stage_subscriptions(
        &self,
        batch: &mut Batch,
        source: &Source,
        wanted: Vec<Subscription>,
    ) -> Result<(), Fault> {
        if wanted.len() > SUBSCRIPTIONS_MAX {
            let text = format!("a source has at most {SUBSCRIPTIONS_MAX} subscriptions");
            return Err(Fault::new(Code::LimitExceeded, Subject::Subscription, text));
        }
        if wanted.is_empty() && !self.inner.registry.is_wanted(source) {
            return Ok(());
        }
        let log = keys::log(source);
        let from = self.inner.store.snapshot().head(&log)?;
        let change = self.random();
        batch.across_cells();
        batch.update(keys::set(source), ENROLL, to_bytes(&Enroll { wanted, from, change }));
        batch.append(log, to_bytes(&Entry::Changed { change }));
        Ok(())
    }

    /// The subscriptions of a source as of its last commit, without those that only end.
    pub fn subscriptions(&self, source: &Source) -> Vec<Subscription> {
        let known = self.inner.registry.known(source).unwrap_or_default();
        known.active().map(|line| line.subscription.clone()).collect()
    }

    /// What the bus does from now on, for whoever watches. Lossy for listeners that are slow.
    pub fn progress(&self) -> broadcast::Receiver<Progress> {
        self.inner.progress.subscribe()
    }

    /// Starts nothing more and waits for what runs, at most `by`. What is left goes on at the next start.
    pub async fn drain(&self, by: Duration) -> Drained {
        let by = self.inner.store.env().now().plus(by);
        self.ask(|answer| Message::Drain { by, answer }).await
    }

    /// Waits until nothing runs and what has ended is on disk. Events that wait for their time do not count.
    pub async fn settled(&self) {
        self.ask(|answer| Message::Settle { answer }).await;
    }

    /// Asks the dispatcher, if there is one.
    async fn ask<T: Default>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> T {
        let (answer, answered) = oneshot::channel();
        {
            let attached = self.inner.dispatcher.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(attached) = attached.as_ref() {
                // One that has ended answers by dropping the message.
                let _ = attached.sender.send(message(answer));
            }
        }
        answered.await.unwrap_or_default()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn known(&self, source: &Source) -> Known {
        self.inner.registry.known(source).unwrap_or_default()
    }

    fn enroll_itself(&self, batch: &mut Batch, source: &Source) {
        let Source::Function { scope, name, qualifier } = source else { return };
        let itself = Subscription {
            id: ITSELF.into(),
            filter: Filter::default(),
            target: TargetName::Function {
                scope: scope.clone(),
                name: name.clone(),
                qualifier: qualifier.clone(),
            },
            shape: Subscription::RAW.into(),
            retry_base_ms: None,
        };
        // The event that is staged with it must be the first that it gets, so it begins where the log is now.
        // Nobody else writes to this log, so what it may get twice over is what nobody has had.
        let from = self.inner.store.snapshot().head(&keys::log(source)).unwrap_or(0);
        let enroll = Enroll { wanted: vec![itself], from, change: self.random() };
        batch.update(keys::set(source), ENROLL, to_bytes(&enroll));
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.inner.store.env().fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// The id of a function's subscription to its own asynchronous invocations.
const ITSELF: &str = "async";

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").finish_non_exhaustive()
    }
}
