//! Carries a plan out: makes what is new, changes what differs, removes what left, and remembers what it made.
//!
//! A row says what is about to be made before it is made, so that a deployment that was cut off goes on where it
//! stopped. Nothing is rolled back: what was made stands, and the next deployment finds it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eddy_aws::Front;
use eddy_base::{Fault, Id, Region, Scope as Owner};
use eddy_store::{Batch, Order};
use serde_json::{Value, json};

use crate::keys::{self, Row};
use crate::node::{Error, Node};
use crate::package;
use crate::plan::{self, Plan, Refusal};
use crate::resolve::{Made, Place, Scope};
use crate::resource::{self, Caller, Failure, Kind, Properties};
use crate::template::Resource;

/// Most resources of a stack; CloudFormation's own limit.
const RESOURCES_MAX: usize = 500;

/// What to deploy, and where.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The folder that has the template.
    pub folder: PathBuf,
    /// What this deployment is called; its resources belong to it.
    pub stack: String,
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
}

/// What stands after a deployment.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    pub steps: Vec<Step>,
    /// Logical id, type, and what it has become.
    pub resources: Vec<(String, String, Made)>,
    pub outputs: Vec<(String, String)>,
    /// Routes of APIs that an OpenAPI body describes: the API's id, method and path.
    pub routes: Vec<(String, String, String)>,
    /// Buckets whose changes start functions.
    pub watched: Vec<String>,
}

/// Why a deployment did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// At this resource; those before it stand.
    #[error("{}: {id}: {failure}", place)]
    At { place: String, id: String, failure: Failure },
    #[error("{0}")]
    Package(#[from] package::Error),
    #[error("{0}")]
    Store(Fault),
}

impl From<eddy_store::Error> for Stopped {
    fn from(error: eddy_store::Error) -> Stopped {
        Stopped::Store(error.into())
    }
}

/// Deploys templates to one server, from inside.
#[derive(Clone)]
pub struct Deployer {
    front: Front,
}

impl Deployer {
    pub fn new(front: Front) -> Deployer {
        Deployer { front }
    }

    /// Deploys a folder. `told` hears of each step as it is done.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub async fn deploy(&self, wanted: &Wanted, told: &(dyn Fn(&Step) + Sync)) -> Result<Deployed, Stopped> {
        let account = self.front.engines().identity.account().clone();
        let owner = Owner { account, region: wanted.region.clone() };
        let place = Place {
            account: owner.account.to_string(),
            region: owner.region.to_string(),
            stack: wanted.stack.clone(),
        };
        let plan = Plan::of_folder(&wanted.folder, &place, &wanted.parameters)?;
        let mut scope =
            Scope::new(&plan.template, &place, &wanted.parameters).map_err(|why| plan.refusal(why))?;
        scope.know(plan.resources.iter().map(|resource| resource.id.clone()));
        let caller = Caller { front: &self.front, region: &wanted.region };
        let rows = self.rows(&owner, &wanted.stack)?;
        let mut run = Run {
            deployer: self,
            wanted,
            owner,
            plan: &plan,
            scope,
            caller,
            rows,
            deployed: Deployed::default(),
            told,
        };
        for (number, resource) in plan.resources.iter().enumerate() {
            run.bring_about(number, resource).await?;
        }
        run.remove_what_left().await?;
        run.outputs().map_err(|why| plan.refusal(why))?;
        Ok(run.deployed)
    }

    fn rows(&self, owner: &Owner, stack: &str) -> Result<BTreeMap<String, Row>, Stopped> {
        let snapshot = self.front.engines().store.snapshot();
        let rows = snapshot.scan(keys::resources(owner, stack), Order::Forward, RESOURCES_MAX)?;
        let read = |(key, row): (eddy_store::Key, eddy_store::Row)| {
            let unreadable = || Stopped::Store(Fault::internal("a row of a deployment cannot be read"));
            let id = keys::logical_id(&key).ok_or_else(unreadable)?;
            Ok((id, minicbor::decode(&row.value).map_err(|_| unreadable())?))
        };
        rows.into_iter().map(read).collect()
    }
}

/// One deployment under way.
struct Run<'a> {
    deployer: &'a Deployer,
    wanted: &'a Wanted,
    owner: Owner,
    plan: &'a Plan,
    scope: Scope<'a>,
    caller: Caller<'a>,
    rows: BTreeMap<String, Row>,
    deployed: Deployed,
    told: &'a (dyn Fn(&Step) + Sync),
}

impl Run<'_> {
    async fn bring_about(&mut self, number: usize, resource: &Resource) -> Result<(), Stopped> {
        let kind = Kind::of(resource).map_err(|why| self.plan.refusal(why))?;
        let before = self.rows.remove(&resource.id);
        let properties = self.properties(kind, resource, before.as_ref())?;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let mut row = Row {
            kind: resource.kind.clone(),
            physical_id: String::new(),
            attributes: BTreeMap::new(),
            properties: properties.values.to_string(),
            is_made: false,
            is_retained: resource.is_retained,
            number,
        };
        let at = |failure| self.at(resource, failure);
        let (done, made) = match before {
            Some(before) if before.is_made && before.kind == resource.kind => {
                let old: Value = serde_json::from_str(&before.properties).unwrap_or_default();
                let made =
                    Made { physical_id: before.physical_id.clone(), attributes: before.attributes.clone() };
                if old == properties.values {
                    (None, made)
                } else if kind.must_replace(&old, &properties.values) {
                    resource::delete(kind, &self.caller, &made, &old).await.map_err(at)?;
                    self.write(&resource.id, &row).await?;
                    (
                        Some(Done::Changed),
                        resource::create(kind, &self.caller, &properties).await.map_err(at)?,
                    )
                } else {
                    let changed = resource::update(kind, &self.caller, &made, &old, &properties).await;
                    (Some(Done::Changed), changed.map_err(at)?)
                }
            }
            before => {
                if let Some(before) = &before
                    && before.is_made
                {
                    self.replace_kind(before).await.map_err(at)?;
                }
                self.write(&resource.id, &row).await?;
                let interrupted = before.is_some_and(|before| !before.is_made);
                (Some(Done::Made), self.create(kind, &properties, interrupted).await.map_err(at)?)
            }
        };
        row.physical_id.clone_from(&made.physical_id);
        row.attributes.clone_from(&made.attributes);
        row.is_made = true;
        self.write(&resource.id, &row).await?;
        self.tell(done, &resource.id, &resource.kind, &made.physical_id);
        self.note_ways_in(kind, &properties.values, &made.physical_id);
        self.scope.made.insert(resource.id.clone(), made.clone());
        self.deployed.resources.push((resource.id.clone(), resource.kind.clone(), made));
        Ok(())
    }

    /// Remembers how what was deployed can be tried.
    fn note_ways_in(&mut self, kind: Kind, values: &Value, physical_id: &str) {
        match kind {
            Kind::Api => {
                for (path, methods) in
                    values.pointer("/Body/paths").and_then(Value::as_object).into_iter().flatten()
                {
                    for method in methods.as_object().into_iter().flatten().map(|(method, _)| method) {
                        let route = (physical_id.to_owned(), method.to_uppercase(), path.clone());
                        self.deployed.routes.push(route);
                    }
                }
            }
            Kind::Bucket if values.pointer("/NotificationConfiguration/LambdaConfigurations/0").is_some() => {
                self.deployed.watched.push(physical_id.to_owned());
            }
            Kind::Bucket
            | Kind::EventInvokeConfig
            | Kind::Function
            | Kind::Integration
            | Kind::LogGroup
            | Kind::Permission
            | Kind::Role
            | Kind::Route
            | Kind::Stage
            | Kind::Url => {}
        }
    }

    /// Makes a resource. After an interruption it may be there already; then it is ours and is brought up to date.
    async fn create(&self, kind: Kind, properties: &Properties, interrupted: bool) -> Result<Made, Failure> {
        const EXISTS: [&str; 4] = [
            "BucketAlreadyOwnedByYou",
            "EntityAlreadyExistsException",
            "ResourceConflictException",
            "ConflictException",
        ];
        match resource::create(kind, &self.caller, properties).await {
            Err(failure) if interrupted && failure.is(&EXISTS) && self.is_named_by_us(kind, properties) => {
                let name = properties.needed(kind.name_property().unwrap_or_default())?;
                let made = Made { physical_id: name, attributes: BTreeMap::new() };
                resource::delete(kind, &self.caller, &made, &properties.values).await?;
                resource::create(kind, &self.caller, properties).await
            }
            other => other,
        }
    }

    /// Did we choose the name? Then what has it is ours: a name that the template gives may be somebody else's.
    fn is_named_by_us(&self, kind: Kind, properties: &Properties) -> bool {
        let name = kind.name_property().and_then(|property| properties.text(property)).unwrap_or_default();
        let short = |text: &str| text.chars().take(24).collect::<String>();
        let start = format!("{}-{}-", short(&self.wanted.stack), short(&properties.id));
        name.to_lowercase().starts_with(&start.to_lowercase())
    }

    /// The template uses a logical id for another type now.
    async fn replace_kind(&self, before: &Row) -> Result<(), Failure> {
        let Some(kind) = Kind::named(&before.kind) else { return Ok(()) };
        let made = Made { physical_id: before.physical_id.clone(), attributes: before.attributes.clone() };
        let old = serde_json::from_str(&before.properties).unwrap_or_default();
        resource::delete(kind, &self.caller, &made, &old).await
    }

    /// The properties, resolved, with a name and with the code's hash in place of its folder.
    fn properties(
        &self,
        kind: Kind,
        resource: &Resource,
        before: Option<&Row>,
    ) -> Result<Properties, Stopped> {
        let refuse = |why: Error| self.plan.refusal(why);
        let mut values = serde_json::Map::new();
        for (name, node) in &resource.properties {
            if let Some(node) = self.scope.resolve(node).map_err(refuse)? {
                values.insert(name.clone(), node.to_json());
            }
        }
        if let Some(property) = kind.name_property()
            && !values.contains_key(property)
        {
            values.insert(property.to_owned(), json!(self.name(kind, &resource.id, property, before)));
        }
        let package = match (
            resource::folder(resource),
            values.get("Code").and_then(|code| code["ZipFile"].as_str()),
        ) {
            (Some(code), _) => {
                let folder = plan::code_folder(&self.scope, &self.wanted.folder, code).map_err(refuse)?;
                Some(package::zip(&folder)?)
            }
            (None, Some(text)) => {
                let runtime = values.get("Runtime").and_then(Value::as_str).unwrap_or_default();
                Some(package::inline(text, runtime)?)
            }
            (None, None) => None,
        };
        if let Some(zip) = &package {
            values.insert("Code".to_owned(), json!({ "Sha256": eddy_wire::sign::sha256_hex(zip) }));
        }
        Ok(Properties { id: resource.id.clone(), values: values.into(), package })
    }

    /// A name that is kept for as long as the resource is: the stack, the logical id, and twelve characters that
    /// nobody else has.
    fn name(&self, kind: Kind, id: &str, property: &str, before: Option<&Row>) -> String {
        let known = before.and_then(|before| serde_json::from_str::<Value>(&before.properties).ok());
        if let Some(name) = known.and_then(|properties| properties[property].as_str().map(str::to_owned)) {
            return name;
        }
        let random = Id::random_label(self.deployer.front.engines().store.env().as_ref(), 12);
        let short = |text: &str| text.chars().take(24).collect::<String>();
        let name = format!("{}-{}-{random}", short(&self.wanted.stack), short(id));
        if kind == Kind::Bucket { name.to_lowercase() } else { name }
    }

    /// Removes what the template does not have any more, last made first.
    async fn remove_what_left(&mut self) -> Result<(), Stopped> {
        let mut left: Vec<(String, Row)> = std::mem::take(&mut self.rows).into_iter().collect();
        left.sort_by_key(|(_, row)| std::cmp::Reverse(row.number));
        for (id, row) in left {
            let made = Made { physical_id: row.physical_id.clone(), attributes: row.attributes.clone() };
            let old = serde_json::from_str(&row.properties).unwrap_or_default();
            let deleted = match Kind::named(&row.kind) {
                Some(kind) if row.is_made && !row.is_retained => {
                    resource::delete(kind, &self.caller, &made, &old).await
                }
                Some(_) | None => Ok(()),
            };
            match deleted {
                Err(failure) if failure.is(&["BucketNotEmpty"]) => {
                    self.tell(Some(Done::Kept), &id, &row.kind, &row.physical_id);
                    continue;
                }
                Err(failure) => {
                    let place = self.plan.file.display().to_string();
                    return Err(Stopped::At { place, id, failure });
                }
                Ok(()) => {}
            }
            let mut batch = Batch::new();
            batch.delete(keys::resource(&self.owner, &self.wanted.stack, &id));
            self.deployer.front.engines().store.commit(batch, ()).await?;
            self.tell(Some(Done::Removed), &id, &row.kind, &row.physical_id);
        }
        Ok(())
    }

    fn outputs(&mut self) -> Result<(), Error> {
        for output in &self.plan.template.outputs {
            if self.scope.holds(output.condition.as_deref(), output.value.line)? {
                let value = self.scope.resolve(&output.value)?;
                let value = value.and_then(|node: Node| node.scalar()).unwrap_or_default();
                self.deployed.outputs.push((output.name.clone(), value));
            }
        }
        Ok(())
    }

    async fn write(&self, id: &str, row: &Row) -> Result<(), Stopped> {
        let mut batch = Batch::new();
        let value = minicbor::to_vec(row).expect("writing to memory does not fail");
        batch.put(keys::resource(&self.owner, &self.wanted.stack, id), value);
        self.deployer.front.engines().store.commit(batch, ()).await?;
        Ok(())
    }

    fn tell(&mut self, done: Option<Done>, id: &str, kind: &str, physical_id: &str) {
        let Some(done) = done else { return };
        let (id, kind, physical_id) = (id.to_owned(), kind.to_owned(), physical_id.to_owned());
        let step = Step { done, id, kind, physical_id };
        (self.told)(&step);
        self.deployed.steps.push(step);
    }

    fn at(&self, resource: &Resource, failure: Failure) -> Stopped {
        let place = format!("{}:{}", self.plan.file.display(), resource.line);
        Stopped::At { place, id: resource.id.clone(), failure }
    }
}
