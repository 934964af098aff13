//! Opening a store: who may, what it holds, whether that is all of it.

use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::Env;
use tokio::sync::mpsc;

use crate::batch::Update;
use crate::blob::{self, Blobs, Home};
use crate::committer::{Committer, Newest, OnFatal, Parts, Rules, chain_row, link};
use crate::drive::Drive;
use crate::durable::Pos;
use crate::ending::Ending;
use crate::engine::{Disk, Engine, EngineError, Fjall, Order, Redb, Table, Write};
use crate::folder::{Folder, keep_private};
use crate::keeper::Keeper;
use crate::key::Space;
use crate::keys::{self, Chain, Stored};
use crate::limits::CACHE_BYTES;
use crate::mark::{Finding, Mark};
use crate::publish::Shared;
use crate::queue::Queue;
use crate::room::{Room, RoomMarks};
use crate::store::{Inner, Store};

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
    /// Opens although acknowledged commits are missing, or the record of them is.
    pub accept_loss: bool,
    /// The memory for the engine's cache of blocks, in bytes.
    pub cache_bytes: u64,
    /// How much is to be left on the disk; none is what suits its size.
    pub room: Option<RoomMarks>,
    /// Called once when the store has failed and takes no more commits: end the process here, with
    /// [`EXIT_CODE_FATAL`](crate::EXIT_CODE_FATAL).
    pub on_fatal: OnFatal,
}

/// What keeps the rows.
#[derive(Clone, Debug, Default)]
pub enum EngineKind {
    /// The embedded engine.
    #[default]
    Fjall,
    /// The second one, that the first is held against. Rows past their time are hidden and stay in its file.
    Redb,
    /// A disk in memory that fails on demand. The commit loop is then a task, not a thread, so that simulated time
    /// and order rule. The folder is not touched.
    Memory(Disk),
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use {}: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
    #[error(
        "the data in {} is in use by process {}",
        path.display(),
        pid.map_or_else(|| "?".to_string(), |pid| pid.to_string())
    )]
    InUse { path: PathBuf, pid: Option<u32> },
    #[error("the data in {} has format {found}; this version knows up to {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("the data in {} cannot be read: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("the data in {} is not all there: {reason}; to go on without it, start with --accept-loss", path.display())]
    Lost { path: PathBuf, reason: String },
    #[error("{0}")]
    Misuse(String),
}

/// An engine with what lies beside it.
struct Opened {
    engine: Arc<dyn Engine>,
    home: Home,
    mark: Mark,
    room: Room,
    ending: Arc<Ending>,
    /// None in memory.
    folder: Option<Folder>,
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
            room: None,
            on_fatal: Arc::new(|_| {}),
        }
    }
}

pub(crate) fn open(options: Options, last: Box<dyn std::any::Any + Send + Sync>) -> Result<Store, OpenError> {
    check_names(&options)?;
    let mut opened = attach(&options)?;
    let chain = check_state(&options, &opened)?;
    let chain = begin(&*opened.engine, chain).map_err(|error| damaged(&options, error))?;
    opened.mark.set(chain, options.env.monotonic());
    if let Some(folder) = &mut opened.folder {
        folder.seal().map_err(|error| OpenError::Io { path: options.folder.clone(), error })?;
    }
    run(options, opened, chain, last)
}

/// Gets hold of the engine and what lies beside it.
fn attach(options: &Options) -> Result<Opened, OpenError> {
    if let EngineKind::Memory(disk) = &options.engine {
        let disk = disk.attach();
        return Ok(Opened {
            engine: Arc::new(disk.clone()),
            home: Home::Memory(disk.clone()),
            mark: Mark::Memory(disk),
            room: Room::endless(),
            ending: Arc::default(),
            folder: None,
        });
    }
    let failed = |error| OpenError::Io { path: options.folder.clone(), error };
    let folder = Folder::open(&options.folder)?;
    let room = Room::watch(&options.folder, options.room).map_err(failed)?;
    let mark = Mark::open(&folder.file("mark")).map_err(failed)?;
    let mut engine = engine(options, &folder);
    if engine.is_err() && folder.is_new() && mark.read().map_err(failed)?.is_none_or(Chain::is_unused) {
        tracing::warn!("an earlier first start was cut short; what it made is put aside");
        folder.put_rows_aside().map_err(failed)?;
        engine = self::engine(options, &folder);
    }
    let engine = engine.map_err(|error| damaged(options, error))?;
    let ending = Arc::<Ending>::default();
    let home = Home::Folder(blob::Folder::new(folder.file("blobs")), Arc::clone(&ending));
    Ok(Opened { engine, home, mark, room, ending, folder: Some(folder) })
}

/// Opens the engine in a thread of its own, whose files are private, and those of the threads that the engine starts.
fn engine(options: &Options, folder: &Folder) -> Result<Arc<dyn Engine>, EngineError> {
    let rows = folder.file("rows");
    let open = || -> Result<Arc<dyn Engine>, EngineError> {
        keep_private();
        match &options.engine {
            EngineKind::Fjall => {
                Ok(Arc::new(Fjall::open(&rows, options.cache_bytes, Arc::clone(&options.env))?))
            }
            EngineKind::Redb => Ok(Arc::new(Redb::open(&rows, options.cache_bytes)?)),
            EngineKind::Memory(disk) => Ok(Arc::new(disk.attach())),
        }
    };
    std::thread::scope(|scope| {
        let opening = scope.spawn(open).join();
        opening.unwrap_or_else(|_| Err(EngineError("the engine panicked".into())))
    })
}

/// Reads how far the store has come, and holds it against the mark.
fn check_state(options: &Options, opened: &Opened) -> Result<Chain, OpenError> {
    let failed = |error| OpenError::Io { path: options.folder.clone(), error };
    let chain = read_chain(&*opened.engine).map_err(|error| damaged(options, error))?;
    let mut finding = opened.mark.check(chain).map_err(failed)?;
    let is_new = opened.folder.as_ref().is_some_and(Folder::is_new);
    if finding == Finding::Agrees && is_new && !chain.is_unused() {
        finding = Finding::Differs("the file `format` is missing".into());
    }
    match finding {
        Finding::Agrees => Ok(chain),
        Finding::Differs(reason) if options.accept_loss => {
            tracing::warn!(reason, "opening the store although something is missing, as told");
            Ok(chain.beyond(opened.mark.read().map_err(failed)?.unwrap_or_default()))
        }
        Finding::Differs(reason) => Err(OpenError::Lost { path: options.folder.clone(), reason }),
    }
}

fn read_chain(engine: &dyn Engine) -> Result<Chain, EngineError> {
    match engine.view().get(Table::Rows, &keys::chain())? {
        Some(bytes) => Ok(minicbor::decode(&Stored::decode(&bytes)?.row.value)?),
        None => Ok(Chain::default()),
    }
}

/// Counts this start, durably: blob ids carry its number, and its row stays until it has ended well.
fn begin(engine: &dyn Engine, chain: Chain) -> Result<Chain, EngineError> {
    let start = chain.start + 1;
    let pos = Pos(chain.pos.0 + 1);
    let row = Stored::new(pos, Bytes::new()).encode();
    let mut writes = vec![Write { table: Table::Rows, key: keys::start(start), value: Some(row) }];
    let chain = Chain { pos, hash: link(chain.hash, &writes), start };
    writes.push(chain_row(chain));
    engine.write(writes)?;
    Ok(chain)
}

fn run(
    options: Options,
    opened: Opened,
    chain: Chain,
    last: Box<dyn std::any::Any + Send + Sync>,
) -> Result<Store, OpenError> {
    let Opened { engine, home, mark, room, ending, folder } = opened;
    let env = options.env;
    let (chores, next_chore) = mpsc::unbounded_channel();
    let is_task = matches!(home, Home::Memory(_));
    let blobs = Blobs::new(Arc::clone(&env), home, chain.start, room.clone(), chores.clone());
    let shared = Arc::new(Shared::new(chain.pos, engine.view()));
    let queue = Arc::new(Queue::new(Arc::clone(&env)));
    let rules = Rules {
        updates: options.updates.iter().map(|update| (update.id, update.apply)).collect(),
        segments: newest(&*engine)
            .map_err(|error| OpenError::Damaged { path: options.folder.clone(), reason: error.0 })?,
        ledger: blobs.ledger(),
    };
    let keeper = Keeper {
        env: Arc::clone(&env),
        queue: Arc::clone(&queue),
        shared: Arc::downgrade(&shared),
        engine: Arc::downgrade(&engine),
        room: room.clone(),
        blobs: blobs.clone(),
        ending: Arc::clone(&ending),
    };
    let parts = Parts {
        shared: Arc::clone(&shared),
        env: Arc::clone(&env),
        rules,
        mark,
        room,
        chores,
        on_fatal: options.on_fatal,
    };
    let committer = Committer::new(engine, chain, parts);
    let drive = if is_task {
        Drive::task(committer, Arc::clone(&queue), &env)
    } else {
        Drive::thread(committer, Arc::clone(&queue))
            .map_err(|error| OpenError::Io { path: options.folder, error })?
    };
    let keeper = env.spawn("eddy-keeper", Box::pin(keeper.run(next_chore)));
    let keeper = std::sync::Mutex::new(Some(keeper));
    let tags = options.spaces.iter().map(|space| space.tag).collect();
    let last = Box::new((folder, last));
    Ok(Store::new(Inner { env, tags, queue, shared, blobs, keeper, ending, drive, _last: last }))
}

fn newest(engine: &dyn Engine) -> Result<Newest, EngineError> {
    let view = engine.view();
    let mut used = Vec::new();
    for segment in engine.segments() {
        let mut is_used = false;
        let range = (Bound::Unbounded, Bound::Unbounded);
        view.scan(Table::Segment(segment), range, Order::Forward, &mut |_, _| {
            is_used = true;
            ControlFlow::Break(())
        })?;
        used.extend(is_used.then_some(segment));
    }
    Ok(Newest::new(used))
}

fn check_names(options: &Options) -> Result<(), OpenError> {
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

fn damaged(options: &Options, error: EngineError) -> OpenError {
    OpenError::Damaged { path: options.folder.clone(), reason: error.0 }
}
