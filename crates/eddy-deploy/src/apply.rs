//! Carries a plan out, resource by resource, and writes down what it makes.
//!
//! A row says what is about to be made before it is made, once nothing was found that has its name; so a deployment
//! that was cut off goes on where it stopped, and never takes for its own what somebody else has made. Where the
//! service chooses the name (APIs, integrations, deployments), the row also says which ones there were.

use std::collections::BTreeMap;

use eddy_base::Scope as Owner;
use eddy_store::{Batch, Store};
use serde_json::Value;

use crate::deploy::{Deployed, Done, Step, Stopped};
use crate::keys::{self, Row, State};
use crate::resolve::Made;
use crate::resource::{self, Caller, Failure, Kind, Properties, orphan};
use crate::template::Resource;
use crate::todo::{Todo, decide};
use crate::ways_in;
use crate::wish::Wishes;

/// One deployment under way.
pub struct Run<'a> {
    pub store: &'a Store,
    pub owner: Owner,
    pub wishes: Wishes<'a>,
    pub caller: Caller<'a>,
    /// What stands of this stack and has not been come to yet.
    pub rows: BTreeMap<String, Row>,
    pub deployed: Deployed,
    pub told: &'a (dyn Fn(&Step) + Sync),
}

impl Run<'_> {
    /// Makes a resource what the template wants it to be.
    ///
    /// # Errors
    /// The service's refusal; those before it stand.
    pub async fn bring_about(&mut self, number: usize, resource: &Resource) -> Result<(), Stopped> {
        let plan = self.wishes.plan;
        let kind = Kind::of(resource).map_err(|why| plan.refusal(why))?;
        let before = self.rows.remove(&resource.id);
        let stood = before.clone();
        let wish = self.wishes.properties(kind, resource, before.as_ref()).await?;
        let row = Row {
            kind: resource.kind.clone(),
            physical_id: String::new(),
            attributes: BTreeMap::new(),
            properties: wish.values.to_string(),
            state: State::Settled,
            is_retained: resource.is_retained,
            number: u32::try_from(number).unwrap_or(u32::MAX),
            others: None,
        };
        let todo = decide(kind, before.as_ref(), &wish);
        let done = self.carry_out(kind, resource, before, row, todo, &wish).await;
        let (done, row) = done.map_err(|why| self.at(resource, why))?;
        if stood.as_ref() != Some(&row) {
            self.write(&resource.id, &row).await?;
        }
        let made = row.made();
        self.tell(done, &resource.id, &resource.kind, &made.physical_id);
        ways_in::note(&mut self.deployed, kind, &wish.values, &made);
        self.wishes.scope.made.insert(resource.id.clone(), made.clone());
        self.deployed.resources.push((resource.id.clone(), resource.kind.clone(), made));
        Ok(())
    }

    /// Does what has to be done; gives the row of what stands then.
    async fn carry_out(
        &mut self,
        kind: Kind,
        resource: &Resource,
        before: Option<Row>,
        row: Row,
        todo: Todo,
        wish: &Properties,
    ) -> Result<(Option<Done>, Row), Halt> {
        match (todo, before) {
            (Todo::Nothing, Some(before)) => Ok((None, row.of(before.made()))),
            (Todo::Change { old }, Some(before)) => {
                self.write(&wish.id, &Row { state: State::Unsettled, ..before.clone() }).await?;
                let made = before.made();
                match resource::update(kind, &self.caller, &made, &old, wish).await {
                    Ok(()) => Ok((Some(Done::Changed), row.of(made))),
                    // Somebody else has removed it.
                    Err(why) if why.says_gone() => self.make(kind, row, wish).await,
                    Err(why) => Err(why.into()),
                }
            }
            (Todo::Replace, Some(before)) => {
                let is_retained = resource.outlives_replacement;
                self.set_aside(&wish.id, Row { is_retained, ..before }).await?;
                let (_, row) = self.make(kind, row, wish).await?;
                Ok((Some(Done::Changed), row))
            }
            (Todo::Finish, Some(before)) => match self.find(kind, &before, wish).await? {
                Some(made) => {
                    resource::update(kind, &self.caller, &made, &Value::Null, wish).await?;
                    Ok((Some(Done::Made), row.of(made)))
                }
                None => self.make(kind, row, wish).await,
            },
            _ => self.make(kind, row, wish).await,
        }
    }

    /// What an earlier deployment has made, if it came to that.
    async fn find(&self, kind: Kind, before: &Row, wish: &Properties) -> Result<Option<Made>, Failure> {
        match resource::find(kind, &self.caller, wish).await? {
            Some(made) => Ok(Some(made)),
            None => orphan::find(kind, &self.caller, before).await,
        }
    }

    /// Makes a resource; or takes one back that was replaced and is not removed yet.
    async fn make(&mut self, kind: Kind, row: Row, wish: &Properties) -> Result<(Option<Done>, Row), Halt> {
        let name = kind.name_property().and_then(|property| wish.text(property)).unwrap_or_default();
        let left_over = keys::replaced(&wish.id, &name);
        if let Some(old) = self.rows.remove(&left_over) {
            let made = old.made();
            self.write(&wish.id, &Row { state: State::Unsettled, ..row.clone() }.of(made.clone())).await?;
            self.forget(&left_over).await?;
            match resource::update(kind, &self.caller, &made, &Value::Null, wish).await {
                Ok(()) => return Ok((Some(Done::Made), row.of(made))),
                // Its removal was cut off when it was done.
                Err(why) if why.says_gone() => {}
                Err(why) => return Err(why.into()),
            }
        }
        let others = orphan::others(kind, &self.caller, &wish.values).await?;
        self.write(&wish.id, &Row { state: State::Intended, others, ..row.clone() }).await?;
        let made = match resource::create(kind, &self.caller, wish).await {
            Ok(made) => made,
            Err(why) => {
                if !why.is_uncertain() {
                    self.forget(&wish.id).await?;
                }
                return Err(why.into());
            }
        };
        let row = row.of(made);
        if kind.is_settled_later() {
            self.write(&wish.id, &Row { state: State::Unsettled, ..row.clone() }).await?;
            resource::settle(kind, &self.caller, &row.made(), wish).await?;
        }
        Ok((Some(Done::Made), row))
    }

    /// Keeps a resource in mind that another takes the place of, so that it is removed at the end.
    async fn set_aside(&mut self, id: &str, row: Row) -> Result<(), Stopped> {
        let aside = keys::replaced(id, &row.physical_id);
        let mut batch = Batch::new();
        batch.put(self.key(&aside), encoded(&row));
        batch.delete(self.key(id));
        self.store.commit(batch, ()).await?;
        self.rows.insert(aside, row);
        Ok(())
    }

    /// Removes what the template does not have any more, last made first.
    ///
    /// # Errors
    /// The service's refusal, unless it is that something is not empty: then it stays.
    pub async fn remove_what_left(&mut self) -> Result<(), Stopped> {
        let mut left: Vec<(String, Row)> = std::mem::take(&mut self.rows).into_iter().collect();
        left.sort_by_key(|(_, row)| std::cmp::Reverse(row.number));
        for (id, row) in left {
            let done = match self.remove(&id, &row).await {
                Ok(done) => done,
                Err(Halt::Stopped(stopped)) => return Err(stopped),
                Err(Halt::Failed(failure)) => {
                    let place = self.wishes.plan.file.display().to_string();
                    return Err(Stopped::At { place, id, failure });
                }
            };
            if done != Some(Done::Kept) {
                self.forget(&id).await?;
            }
            self.tell(done, &id, &row.kind, &row.physical_id);
        }
        Ok(())
    }

    /// Removes what a row stands for. Nothing if it was only intended and never made, as far as can be told.
    async fn remove(&mut self, id: &str, row: &Row) -> Result<Option<Done>, Halt> {
        let Some(kind) = Kind::named(&row.kind).filter(|_| !row.is_retained) else {
            let is_told = row.state != State::Intended;
            return Ok(is_told.then_some(if row.is_retained { Done::Retained } else { Done::Removed }));
        };
        let made = match row.state {
            State::Intended => match orphan::find(kind, &self.caller, row).await? {
                Some(made) => made,
                None => return Ok(None),
            },
            State::Unsettled | State::Settled => {
                // If this is cut off and the resource is wanted again, it may be there or not.
                self.write(id, &Row { state: State::Unsettled, ..row.clone() }).await?;
                row.made()
            }
        };
        match resource::delete(kind, &self.caller, &made, &row.values()).await {
            Ok(()) => Ok(Some(Done::Removed)),
            Err(failure) if failure.is("BucketNotEmpty") => Ok(Some(Done::Kept)),
            Err(failure) => Err(failure.into()),
        }
    }

    fn key(&self, id: &str) -> eddy_store::Key {
        keys::resource(&self.owner, self.wishes.stack, id)
    }

    async fn write(&self, id: &str, row: &Row) -> Result<(), Stopped> {
        let mut batch = Batch::new();
        batch.put(self.key(id), encoded(row));
        self.store.commit(batch, ()).await?;
        Ok(())
    }

    async fn forget(&self, id: &str) -> Result<(), Stopped> {
        let mut batch = Batch::new();
        batch.delete(self.key(id));
        self.store.commit(batch, ()).await?;
        Ok(())
    }

    fn tell(&mut self, done: Option<Done>, id: &str, kind: &str, physical_id: &str) {
        let Some(done) = done else { return };
        let (id, kind, physical_id) = (id.to_owned(), kind.to_owned(), physical_id.to_owned());
        let step = Step { done, id, kind, physical_id };
        (self.told)(&step);
        self.deployed.steps.push(step);
    }

    fn at(&self, resource: &Resource, halt: Halt) -> Stopped {
        match halt {
            Halt::Stopped(stopped) => stopped,
            Halt::Failed(failure) => {
                let place = format!("{}:{}", self.wishes.plan.file.display(), resource.line);
                Stopped::At { place, id: resource.id.clone(), failure }
            }
        }
    }
}

/// Why a resource is not what it should be.
enum Halt {
    Failed(Failure),
    Stopped(Stopped),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Halt {
        Halt::Failed(failure)
    }
}

impl From<Stopped> for Halt {
    fn from(stopped: Stopped) -> Halt {
        Halt::Stopped(stopped)
    }
}

impl Row {
    /// The row with what the resource has become.
    fn of(self, made: Made) -> Row {
        Row { physical_id: made.physical_id, attributes: made.attributes, ..self }
    }
}

fn encoded(row: &Row) -> Vec<u8> {
    minicbor::to_vec(row).expect("writing to memory does not fail")
}
