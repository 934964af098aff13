//! Deploys folders: plans, rehearses, carries out, and gives back what stands.
//!
//! Nothing is rolled back: what was made stands, and the next deployment goes on from there.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eddy_aws::Front;
use eddy_base::{Code, Fault, Region, Scope as Owner, Subject};
use eddy_store::{Batch, Order};
use tokio::sync::Notify;

use crate::apply::Run;
use crate::keys::{self, Row};
use crate::plan::{Plan, Refusal};
use crate::rehearse::rehearse;
use crate::resolve::{Made, Place, Scope};
use crate::resource::{Caller, Failure, Mode};
use crate::ways_in;
use crate::wish::Wishes;

/// Most resources of a stack that are read; more than a template can have, since what was replaced counts too.
const ROWS_MAX: usize = 2_000;

/// What to deploy, and where.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The folder that has the template.
    pub folder: PathBuf,
    /// What this deployment is called; its resources belong to it.
    pub stack: String,
    /// Whoever deploys has chosen the name, so it may come from another folder than before.
    pub is_named: bool,
    pub region: Region,
    pub parameters: BTreeMap<String, String>,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub done: Done,
    pub id: String,
    pub kind: String,
    pub physical_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Made,
    Changed,
    Removed,
    /// It left the template and still holds something, so it stays.
    Kept,
    /// It left a template that said to retain it, and is nobody's now.
    Retained,
}

/// What stands after a deployment.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    pub steps: Vec<Step>,
    /// Logical id, type, and what it has become.
    pub resources: Vec<(String, String, Made)>,
    pub outputs: Vec<Output>,
    /// Routes of APIs: the API's id, method and path.
    pub routes: Vec<(String, String, String)>,
    /// Stages of APIs: the API's id, and the stage's name.
    pub stages: Vec<(String, String)>,
    /// Addresses of functions.
    pub urls: Vec<String>,
    /// Buckets whose changes start functions.
    pub watched: Vec<String>,
}

/// A value that the template gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub value: String,
    /// Where the value is the address that one of this template's APIs would have on AWS: the API's id, and the path
    /// below its address.
    pub api: Option<(String, String)>,
}

/// Why a deployment did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// At this resource; those before it stand.
    #[error("{place}: {id}: {failure}")]
    At { place: String, id: String, failure: Failure },
    /// Nothing was changed.
    #[error(
        "{stack} was deployed from {}, and what that has made would be removed: give this one another name with \
         --stack NAME, or take its place with --stack {stack}", folder.display()
    )]
    Elsewhere { stack: String, folder: PathBuf },
    /// Nothing was changed.
    #[error("a deployment of {0} is under way; try again when it has ended")]
    Busy(String),
    #[error("{0}")]
    Store(Fault),
}

impl From<eddy_store::Error> for Stopped {
    fn from(error: eddy_store::Error) -> Stopped {
        Stopped::Store(error.into())
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Fault {
        let text = stopped.to_string();
        match stopped {
            Stopped::Store(fault) => fault,
            Stopped::Refused(_) => Fault::invalid(text),
            Stopped::At { .. } | Stopped::Busy(_) | Stopped::Elsewhere { .. } => {
                Fault::new(Code::Conflict, Subject::Request, text)
            }
        }
    }
}

/// Deploys templates to one server, from inside.
#[derive(Clone)]
pub struct Deployer {
    front: Front,
    turns: Arc<Turns>,
}

/// Who deploys what at this moment.
#[derive(Default)]
struct Turns {
    /// Region and name of the stacks that are being deployed.
    busy: Mutex<HashSet<(String, String)>>,
    /// One of them has ended.
    ended: Notify,
}

impl Deployer {
    pub fn new(front: Front) -> Deployer {
        Deployer { front, turns: Arc::default() }
    }

    /// Waits until no deployment of this stack is under way. Another may begin before the caller's does.
    pub async fn idle(&self, wanted: &Wanted) {
        loop {
            let ended = self.turns.ended.notified();
            if !self.turns.busy().contains(&stack_of(wanted)) {
                return;
            }
            ended.await;
        }
    }

    /// Deploys a folder. `told` hears of each step as it is done.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub async fn deploy(&self, wanted: &Wanted, told: &(dyn Fn(&Step) + Sync)) -> Result<Deployed, Stopped> {
        let _turn = self.turn(wanted)?;
        let engines = self.front.engines();
        let owner = Owner { account: engines.identity.account().clone(), region: wanted.region.clone() };
        let place = Place {
            account: owner.account.to_string(),
            region: owner.region.to_string(),
            stack: wanted.stack.clone(),
        };
        let plan = Plan::of_folder(&wanted.folder, &place, &wanted.parameters)?;
        let scope = Scope::new(&plan.template, &place, &wanted.parameters);
        let scope = scope.map_err(|why| plan.refusal(why))?;
        let env = engines.store.env().clone();
        let mut wishes = Wishes::new(&plan, &wanted.folder, &wanted.stack, env, scope);
        let (folder, rows) = self.rows(&owner, &wanted.stack)?;
        // One that is not there any more has moved.
        let is_another = |folder: &&PathBuf| **folder != wanted.folder && !wanted.is_named && folder.is_dir();
        if let Some(folder) = folder.as_ref().filter(is_another) {
            return Err(Stopped::Elsewhere { stack: wanted.stack.clone(), folder: folder.clone() });
        }
        let caller = |mode| Caller { front: &self.front, region: &wanted.region, mode };
        rehearse(&mut wishes, &place, &rows, &caller(Mode::Rehearses)).await?;
        if folder.as_ref() != Some(&wanted.folder) {
            self.remember(&owner, wanted).await?;
        }
        let mut run = Run {
            store: &engines.store,
            owner,
            wishes,
            caller: caller(Mode::Acts),
            rows,
            deployed: Deployed::default(),
            told,
        };
        for (number, resource) in plan.resources.iter().enumerate() {
            run.bring_about(number, resource).await?;
        }
        run.remove_what_left().await?;
        let outputs = run.wishes.outputs()?;
        let mut deployed = run.deployed;
        deployed.outputs =
            outputs.into_iter().map(|(name, value)| ways_in::output(&deployed, name, value)).collect();
        Ok(deployed)
    }

    /// One deployment of a stack at a time.
    fn turn(&self, wanted: &Wanted) -> Result<Turn, Stopped> {
        let stack = stack_of(wanted);
        if !self.turns.busy().insert(stack.clone()) {
            return Err(Stopped::Busy(wanted.stack.clone()));
        }
        Ok(Turn { turns: self.turns.clone(), stack })
    }

    /// The folder that a stack is deployed from, and what stands of it.
    fn rows(&self, owner: &Owner, stack: &str) -> Result<(Option<PathBuf>, BTreeMap<String, Row>), Stopped> {
        let unreadable = || Stopped::Store(Fault::internal("a row of a deployment cannot be read"));
        let snapshot = self.front.engines().store.snapshot();
        let (mut folder, mut rows) = (None, BTreeMap::new());
        for (key, row) in snapshot.scan(keys::all(owner, stack), Order::Forward, ROWS_MAX)? {
            let id = keys::logical_id(&key).ok_or_else(unreadable)?;
            if id == keys::FOLDER {
                let path = std::str::from_utf8(&row.value).map_err(|_| unreadable())?;
                folder = Some(PathBuf::from(path));
            } else {
                rows.insert(id, minicbor::decode(&row.value).map_err(|_| unreadable())?);
            }
        }
        Ok((folder, rows))
    }

    async fn remember(&self, owner: &Owner, wanted: &Wanted) -> Result<(), Stopped> {
        let mut batch = Batch::new();
        let path = wanted.folder.to_string_lossy().into_owned();
        batch.put(keys::folder(owner, &wanted.stack), path.into_bytes());
        self.front.engines().store.commit(batch, ()).await?;
        Ok(())
    }
}

fn stack_of(wanted: &Wanted) -> (String, String) {
    (wanted.region.to_string(), wanted.stack.clone())
}

impl Turns {
    fn busy(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds a stack for one deployment.
struct Turn {
    turns: Arc<Turns>,
    stack: (String, String),
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.busy().remove(&self.stack);
        self.turns.ended.notify_waiters();
    }
}
