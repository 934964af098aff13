//! The store itself: opened once per process, cheap to clone.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use eddy_base::Env;

use crate::batch::{Batch, Update};
use crate::blob::{Blobs, Folder};
use crate::committer::{Committer, Newest, OnFatal, Rules, chain_row, link};
use crate::durable::{Durable, Error, Pos};
use crate::engine::{Engine, EngineError, Fjall, Table, Write};
use crate::key::Space;
use crate::keys::{self, Chain, Stored};
use crate::limits::CACHE_BYTES;
use crate::publish::{Applied, Follower, Shared, Topic, Watch};
use crate::queue::Queue;
use crate::snapshot::Snapshot;

/// The one durable thing. All clones are the same store; it ends with [`Store::close`] or with the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// How to open a store.
pub struct Options {
    /// Where it lies; made when absent. One process at a time.
    pub folder: PathBuf,
    /// The name spaces of all crates. A tag that stands twice is refused.
    pub spaces: Vec<Space>,
    /// The functions that updates name. An id that stands twice is refused.
    pub updates: Vec<Update>,
    pub env: Arc<dyn Env>,
    pub engine: EngineKind,
    /// Opens although acknowledged commits are missing or the record of them is.
    pub accept_loss: bool,
    /// The memory for the engine's cache of blocks, in bytes.
    pub cache_bytes: u64,
    /// Called once when the store has failed and takes no more commits: end the process here.
    pub on_fatal: OnFatal,
}

/// What keeps the rows.
#[derive(Clone, Debug, Default)]
pub enum EngineKind {
    /// The embedded engine.
    #[default]
    Fjall,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use {}: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
    #[error("the data in {} cannot be read: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{0}")]
    Misuse(String),
}

struct Inner {
    env: Arc<dyn Env>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    blobs: Blobs,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// What is to happen after everything else has ended.
    _last: Option<Box<dyn std::any::Any + Send + Sync>>,
}

impl Options {
    /// The usual options for a folder.
    pub fn new(folder: impl Into<PathBuf>, env: Arc<dyn Env>) -> Options {
        Options {
            folder: folder.into(),
            spaces: Vec::new(),
            updates: Vec::new(),
            env,
            engine: EngineKind::default(),
            accept_loss: false,
            cache_bytes: CACHE_BYTES,
            on_fatal: Arc::new(|_| {}),
        }
    }
}

impl Store {
    /// Opens the store in a folder, or makes it.
    ///
    /// # Errors
    /// [`OpenError`] when the folder cannot be used, holds what cannot be read, or the options contradict themselves.
    pub fn open(options: Options) -> Result<Store, OpenError> {
        Store::open_with(options, None)
    }

    pub(crate) fn open_with(
        options: Options,
        last: Option<Box<dyn std::any::Any + Send + Sync>>,
    ) -> Result<Store, OpenError> {
        check(&options)?;
        let folder = options.folder.clone();
        let damaged = |error: EngineError| OpenError::Damaged { path: folder.clone(), reason: error.0 };
        make_folder(&options.folder)?;
        let engine: Arc<dyn Engine> = match options.engine {
            EngineKind::Fjall => Arc::new(
                Fjall::open(&options.folder.join("rows"), options.cache_bytes, Arc::clone(&options.env))
                    .map_err(damaged)?,
            ),
        };
        let chain = begin(&*engine).map_err(damaged)?;
        let blobs =
            Blobs::new(Arc::clone(&options.env), Folder::new(options.folder.join("blobs")), chain.start);
        let shared = Arc::new(Shared::new(chain.pos, engine.view()));
        let queue = Arc::new(Queue::new(Arc::clone(&options.env)));
        let rules = Rules {
            updates: options.updates.iter().map(|update| (update.id, update.apply)).collect(),
            segments: Newest::new(engine.segments()),
            unnamed: blobs.unnamed(),
        };
        let env = Arc::clone(&options.env);
        let committer = Committer::new(engine, Arc::clone(&shared), env, rules, chain, options.on_fatal);
        let thread = spawn(committer, Arc::clone(&queue))
            .map_err(|error| OpenError::Io { path: options.folder, error })?;
        let thread = Mutex::new(Some(thread));
        let inner = Inner { env: options.env, queue, shared, blobs, thread, _last: last };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Applies a batch, or refuses it, and gives `value` back once the answer is on disk.
    ///
    /// Cancelling the future does not take the batch back.
    ///
    /// # Errors
    /// See [`Error`]. Only [`Error::Fatal`] leaves open whether the batch took effect.
    pub async fn commit<T>(&self, batch: Batch, value: T) -> Result<Durable<T>, Error> {
        let bytes = batch.check()?;
        let answer = self.inner.queue.submit(batch, bytes).await?;
        match answer.await {
            Ok(Ok(committed)) => Ok(Durable::new(value, committed)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Fatal("the commit thread has ended".into())),
        }
    }

    /// Applies a batch some time within a second, with the next group if one comes earlier. For what guests print,
    /// metrics and traces: its loss in a crash is acceptable, and a refusal is not heard of.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when more is waiting than the disk takes.
    pub fn record(&self, batch: Batch) -> Result<(), Error> {
        let bytes = batch.check()?;
        self.inner.queue.record(batch, bytes)
    }

    /// The state after the last group. It holds every commit whose [`Durable`] has been handed out.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.inner.shared.state(), self.inner.env.now())
    }

    /// Watches a row, a log or a cell.
    pub fn watch(&self, topic: Topic) -> Watch {
        self.inner.shared.watch(topic)
    }

    /// Calls `fold` for each commit that changes something in `space`, in order, on the commit thread, after the
    /// commit is on disk and before its waiters are woken. It must be quick, must not block, and must not call
    /// `follow`.
    pub fn follow(&self, space: Space, fold: impl FnMut(&Applied) + Send + 'static) -> Follower {
        self.follow_from(space, fold).1
    }

    /// As [`Store::follow`], with the state that the first call builds on: nothing is missed between the two.
    pub fn follow_from(
        &self,
        space: Space,
        fold: impl FnMut(&Applied) + Send + 'static,
    ) -> (Snapshot, Follower) {
        let (state, follower) = self.inner.shared.follow(space, Box::new(fold));
        (Snapshot::new(state, self.inner.env.now()), follower)
    }

    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    pub fn env(&self) -> &Arc<dyn Env> {
        &self.inner.env
    }

    /// Takes no more batches, commits those that wait, and ends. Other clones then answer [`Error::Unavailable`].
    pub async fn close(self) {
        self.inner.queue.close();
        let inner = Arc::clone(&self.inner);
        let ended = tokio::task::spawn_blocking(move || inner.join()).await;
        if ended.is_err() {
            tracing::error!("the end of the store could not be awaited");
        }
    }
}

impl Inner {
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the commit thread panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        self.join();
    }
}

fn spawn(mut committer: Committer, queue: Arc<Queue>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("eddy-commit".into()).spawn(move || {
        while queue.wait(committer.due()) {
            committer.step(queue.drain());
        }
    })
}

fn check(options: &Options) -> Result<(), OpenError> {
    for (index, space) in options.spaces.iter().enumerate() {
        if let Some(other) = options.spaces[..index].iter().find(|other| other.tag == space.tag) {
            let (one, two, tag) = (other.name, space.name, char::from(space.tag));
            return Err(OpenError::Misuse(format!("the spaces {one} and {two} have the same tag {tag:?}")));
        }
    }
    for (index, update) in options.updates.iter().enumerate() {
        if options.updates[..index].iter().any(|other| other.id == update.id) {
            return Err(OpenError::Misuse(format!("the update {} is registered twice", update.id.0)));
        }
    }
    Ok(())
}

fn make_folder(folder: &std::path::Path) -> Result<(), OpenError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| OpenError::Io { path: folder.to_path_buf(), error })
}

/// Counts this start, durably: blob ids carry its number.
fn begin(engine: &dyn Engine) -> Result<Chain, EngineError> {
    let chain: Chain = match engine.view().get(Table::Rows, &keys::chain())? {
        Some(bytes) => minicbor::decode(&Stored::decode(&bytes)?.row.value)?,
        None => Chain::default(),
    };
    let start = chain.start + 1;
    let pos = Pos(chain.pos.0 + 1);
    let row = Stored::new(pos, Bytes::new()).encode();
    let mut writes = vec![Write { table: Table::Rows, key: keys::start(start), value: Some(row) }];
    let chain = Chain { pos, hash: link(chain.hash, &writes), start };
    writes.push(chain_row(chain));
    engine.write(writes)?;
    Ok(chain)
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("pos", &self.inner.shared.state().pos).finish()
    }
}
