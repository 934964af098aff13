//! How a copy comes to name the blobs of its source, so that no bytes move.
//!
//! A blob is counted in the cell of the bucket that first stored it, its home. Inside that bucket a copy is one
//! more count, in the batch of the copy. Any other bucket is another cell, so its copies go in steps, each of which
//! may be the last before a crash:
//!
//! 1. at home: the blobs are counted for the copy, on the condition that its source still names them, and a hold
//!    row says so; it is unsettled;
//! 2. in the copy's bucket: the copy, and a foreign row that names the hold, in one batch;
//! 3. at home: it is settled.
//!
//! And when the copy goes: its bucket turns the foreign row into a debt in the batch that removes the copy, the home
//! gives the counts and the hold up, and the debt is struck out. At start, [`Objects::recover`] finishes what was
//! cut short: an unsettled hold without foreign row or debt never became a copy and is given up; a debt is paid.

use std::collections::BTreeMap;

use eddy_base::Id;
use eddy_store::{Batch, BlobId, Condition, Order, Pos, Snapshot};

use crate::body::Debt;
use crate::bucket;
use crate::error::Error;
use crate::rows::{self, Body, Extent, ForeignHold, decode, encode};
use crate::{Objects, keys};

/// The object whose blobs are shared, as it was found.
pub(crate) struct Source<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) pos: Pos,
}

/// What must be done for a copy to name its blobs.
pub(crate) struct Share {
    /// The copy's body.
    pub(crate) body: Body,
    /// The bucket of the copy.
    holder: String,
    /// Blobs to be counted in the copy's own batch, and what guards them there.
    own: Counted,
    /// For each other home, in the order of the body's holds.
    away: Vec<(ForeignHold, Counted)>,
}

#[derive(Default)]
struct Counted {
    blobs: Vec<BlobId>,
    /// Each says that somebody still names some of the blobs.
    guards: Vec<Condition>,
}

impl Share {
    /// Plans the sharing of a body, or of a cut of one, of `source` by something in the bucket `holder`. Draws
    /// the holds by `draw`.
    pub(crate) fn plan(
        source: &Source<'_>,
        body: &Body,
        holder: &str,
        mut draw: impl FnMut() -> Id,
    ) -> Share {
        let mut own = Counted::default();
        let mut away: BTreeMap<String, (u32, Counted)> = BTreeMap::new();
        let mut extents = Vec::with_capacity(body.extents.len());
        for extent in &body.extents {
            let hold = body.hold_of(extent);
            let home = hold.map_or(source.bucket, |hold| hold.home.as_str());
            let (foreign, counted) = if home == holder {
                (None, &mut own)
            } else {
                let next = u32::try_from(away.len()).unwrap_or(u32::MAX);
                let (index, counted) = away.entry(home.to_owned()).or_insert((next, Counted::default()));
                (Some(*index), counted)
            };
            counted.add(extent.blob, guard(source, hold));
            extents.push(Extent { foreign, ..extent.clone() });
        }
        let mut away: Vec<_> =
            away.into_iter().map(|(home, (index, counted))| (index, home, counted)).collect();
        away.sort_by_key(|(index, _, _)| *index);
        let away: Vec<_> = away
            .into_iter()
            .map(|(_, home, counted)| (ForeignHold { home, hold: draw() }, counted))
            .collect();
        let foreign = away.iter().map(|(hold, _)| hold.clone()).collect();
        let body = Body { inline: body.inline.clone(), salt: body.salt, extents, foreign, parts: Vec::new() };
        Share { body, holder: holder.to_owned(), own, away }
    }

    /// Adds the share to the batch of the copy.
    pub(crate) fn stage(&self, batch: &mut Batch) {
        for condition in &self.own.guards {
            batch.condition(condition.clone());
        }
        for blob in &self.own.blobs {
            batch.hold(*blob, keys::bucket(&self.holder));
        }
        for (share, _) in &self.away {
            let row = rows::Foreign { home: share.home.clone() };
            batch.put(keys::foreign(&self.holder, share.hold), encode(&row));
        }
    }
}

impl Counted {
    fn add(&mut self, blob: BlobId, guard: Condition) {
        self.blobs.push(blob);
        if !self.guards.contains(&guard) {
            self.guards.push(guard);
        }
    }
}

/// What holds as long as the source names the blob: the source itself or, in the blob's home, the hold by which it
/// does.
fn guard(source: &Source<'_>, hold: Option<&ForeignHold>) -> Condition {
    match hold {
        None => Condition::At(keys::head(source.bucket, source.key), source.pos),
        Some(hold) => Condition::Present(keys::hold(&hold.home, hold.hold)),
    }
}

impl Objects {
    /// Step 1: counts the blobs at their other homes. False when the source has changed; then nothing is left.
    pub(crate) async fn hold_away(&self, share: &Share) -> Result<bool, Error> {
        for (index, (hold, counted)) in share.away.iter().enumerate() {
            let mut batch = Batch::new();
            for guard in &counted.guards {
                batch.condition(guard.clone());
            }
            for blob in &counted.blobs {
                batch.hold(*blob, keys::bucket(&hold.home));
            }
            let row = rows::Hold { blobs: counted.blobs.clone(), holder: share.holder.clone() };
            batch.put(keys::hold(&hold.home, hold.hold), encode(&row));
            batch.put(keys::unsettled(&hold.home, hold.hold), Vec::new());
            match self.store.commit(batch, ()).await {
                Ok(_) => {}
                Err(error) => {
                    self.give_up_all(share.away.iter().take(index).map(|(hold, _)| hold)).await;
                    let refused = matches!(error, eddy_store::Error::Refused(_));
                    return if refused { Ok(false) } else { Err(error.into()) };
                }
            }
        }
        Ok(true)
    }

    /// Step 3: the copy stands.
    pub(crate) async fn settle(&self, share: &Share) {
        for (hold, _) in &share.away {
            let mut batch = Batch::new();
            batch.delete(keys::unsettled(&hold.home, hold.hold));
            later(self.store.commit(batch, ()).await.map_err(Error::from), "settle a hold");
        }
    }

    /// Undoes step 1: there is no copy.
    pub(crate) async fn withdraw(&self, share: &Share) {
        self.give_up_all(share.away.iter().map(|(hold, _)| hold)).await;
    }

    /// Gives back what copies that are gone owe to other buckets.
    pub(crate) async fn pay(&self, debts: &[Debt]) {
        for debt in debts {
            later(self.pay_one(debt).await, "give shared blobs back");
        }
    }

    async fn pay_one(&self, debt: &Debt) -> Result<(), Error> {
        self.give_up(&debt.hold).await?;
        let mut batch = Batch::new();
        batch.delete(keys::debt(&debt.holder, debt.hold.hold));
        self.store.commit(batch, ()).await?;
        Ok(())
    }

    async fn give_up_all<'a>(&self, holds: impl Iterator<Item = &'a ForeignHold>) {
        for hold in holds {
            later(self.give_up(hold).await, "give up a hold");
        }
    }

    /// Ends a hold, and with it the counts of its blobs. A hold that has ended already is no error.
    async fn give_up(&self, share: &ForeignHold) -> Result<(), Error> {
        let key = keys::hold(&share.home, share.hold);
        let Some(row) = self.store.snapshot().get(&key)? else { return Ok(()) };
        let hold: rows::Hold = decode(&row, "hold")?;
        let mut batch = Batch::new();
        batch.at(key.clone(), row.pos).delete(key);
        batch.delete(keys::unsettled(&share.home, share.hold));
        for blob in hold.blobs {
            batch.release(blob, keys::bucket(&share.home));
        }
        match self.store.commit(batch, ()).await {
            Ok(_) | Err(eddy_store::Error::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Finishes what a crash cut short. Before anything else happens: what is under way must not be taken for it.
    pub(crate) async fn recover(&self) -> Result<(), Error> {
        let snapshot = self.store.snapshot();
        for name in bucket::names(&snapshot)? {
            for hold in pending(&snapshot, keys::all_unsettled(&name))? {
                self.recover_hold(&snapshot, ForeignHold { home: name.clone(), hold }).await?;
            }
            for hold in pending(&snapshot, keys::all_debts(&name))? {
                let Some(row) = snapshot.get(&keys::debt(&name, hold))? else { continue };
                let home = decode::<rows::Foreign>(&row, "debt")?.home;
                self.pay_one(&Debt { hold: ForeignHold { home, hold }, holder: name.clone() }).await?;
            }
        }
        Ok(())
    }

    async fn recover_hold(&self, snapshot: &Snapshot, share: ForeignHold) -> Result<(), Error> {
        let row = snapshot.get(&keys::hold(&share.home, share.hold))?;
        if let Some(row) = row {
            let holder = decode::<rows::Hold>(&row, "hold")?.holder;
            let stands = snapshot.get(&keys::foreign(&holder, share.hold))?.is_some()
                || snapshot.get(&keys::debt(&holder, share.hold))?.is_some();
            if !stands {
                return self.give_up(&share).await;
            }
        }
        let mut batch = Batch::new();
        batch.delete(keys::unsettled(&share.home, share.hold));
        self.store.commit(batch, ()).await?;
        Ok(())
    }
}

/// The holds named by all rows of a range.
fn pending(snapshot: &Snapshot, range: eddy_store::Range) -> Result<Vec<Id>, Error> {
    let mut holds = Vec::new();
    let mut rest = range;
    loop {
        let rows = snapshot.scan(rest.clone(), Order::Forward, crate::limits::SCAN_ROWS)?;
        let Some((last, _)) = rows.last() else { return Ok(holds) };
        rest = rest.after(last);
        for (key, _) in &rows {
            holds.push(keys::read_hold(key)?);
        }
    }
}

/// What could not be done now is done at the next start; the caller's own change stands.
fn later<T>(result: Result<T, Error>, what: &'static str) {
    if let Err(error) = result {
        tracing::warn!(what, %error, "left for the next start");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{By, Description, Digester, Kind, Put, When};
    use eddy_base::{Account, Cause, Region, Scope};
    use eddy_bus::Bus;
    use eddy_store::Range;

    /// An object of one blob in `home`, and a bucket `away` that wants a copy.
    async fn prepared() -> Objects {
        let spaces: Vec<_> = crate::SPACES.iter().chain(eddy_bus::SPACES).copied().collect();
        let store = eddy_store::testing::open(spaces, eddy_bus::updates());
        let bus = Bus::open(store.clone()).expect("the bus opens");
        let objects = Objects::open(store, bus).await.expect("the objects open");
        let owner = Scope { account: Account::default(), region: Region::default() };
        for bucket in ["home", "away"] {
            objects.create_bucket(bucket, &owner, &[]).await.expect("a new bucket");
        }
        let bytes = vec![7; 70_000];
        let mut writer = objects.writer();
        let mut digester = Digester::new(crate::Algorithm::Crc32);
        digester.update(&bytes);
        writer.write(bytes.into()).await.expect("room");
        let content = writer.finish(digester.finish()).await.expect("room");
        let by = by();
        let put = Put {
            bucket: "home",
            key: "source",
            description: Description::default(),
            tags: Vec::new(),
            when: When::Always,
            kind: Kind::CreatedPut,
            by: &by,
        };
        objects.put(put, content).await.expect("a put");
        objects
    }

    fn by() -> By {
        let id = Id::from_bytes([1; 16]);
        By { cause: Cause::root(id), request: id, principal: "t".into(), source_ip: "::1".into() }
    }

    fn planned(objects: &Objects) -> Share {
        let found = objects.get("home", "source").expect("an object").value;
        let source = Source { bucket: "home", key: "source", pos: found.object.pos };
        Share::plan(&source, &found.body, "away", || Id::from_bytes([5; 16]))
    }

    fn rows(objects: &Objects, range: Range) -> usize {
        objects.store.snapshot().scan(range, Order::Forward, 10).expect("a scan").len()
    }

    fn is_held(objects: &Objects) -> bool {
        let hold = keys::hold("home", Id::from_bytes([5; 16]));
        objects.store.snapshot().get(&hold).expect("a read").is_some()
    }

    #[tokio::test]
    async fn a_hold_that_never_became_a_copy_is_given_up() {
        let objects = prepared().await;
        assert!(objects.hold_away(&planned(&objects)).await.expect("a hold"));
        assert!(is_held(&objects));
        objects.recover().await.expect("a recovery");
        assert!(!is_held(&objects));
        assert_eq!(rows(&objects, keys::all_unsettled("home")), 0);
    }

    #[tokio::test]
    async fn a_hold_of_a_copy_that_stands_is_settled() {
        let objects = prepared().await;
        let share = planned(&objects);
        assert!(objects.hold_away(&share).await.expect("a hold"));
        let mut batch = Batch::new();
        share.stage(&mut batch);
        objects.store.commit(batch, ()).await.expect("the copy's batch");
        objects.recover().await.expect("a recovery");
        assert!(is_held(&objects));
        assert_eq!(rows(&objects, keys::all_unsettled("home")), 0);
    }

    #[tokio::test]
    async fn a_debt_is_paid_at_the_next_start() {
        let objects = prepared().await;
        let share = planned(&objects);
        assert!(objects.hold_away(&share).await.expect("a hold"));
        let mut batch = Batch::new();
        share.stage(&mut batch);
        objects.store.commit(batch, ()).await.expect("the copy's batch");
        let mut batch = Batch::new();
        let debts = share.body.release(&mut batch, "away");
        objects.store.commit(batch, ()).await.expect("the copy's removal");
        assert_eq!((debts.len(), rows(&objects, keys::all_debts("away"))), (1, 1));
        objects.recover().await.expect("a recovery");
        assert!(!is_held(&objects));
        assert_eq!(rows(&objects, keys::all_debts("away")), 0);
        assert_eq!(rows(&objects, keys::all_unsettled("home")), 0);
        objects.recover().await.expect("a recovery with nothing to do");
    }

    #[tokio::test]
    async fn a_source_that_changed_is_not_shared() {
        let objects = prepared().await;
        let share = planned(&objects);
        objects.delete("home", "source", &When::Always, &by()).await.expect("a removal");
        assert!(!objects.hold_away(&share).await.expect("an answer"));
        assert!(!is_held(&objects));
    }
}
