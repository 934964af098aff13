//! Asking afterwards: the story of an event, what was given up, and sending that again.

use eddy_base::{Code, Fault, Id, Scope, Subject};
use eddy_store::{Batch, Durable, Order, Pos, Refused, Row, Snapshot};

use crate::error::Error;
use crate::keys::{self, Place};
use crate::limits::{DEAD_KEPT, DEAD_PAGE_MAX, READ_BYTES_MAX, RESEND_TRIES_MAX};
use crate::rows::{Ended, Enrolled, Entry, Position, Resent, Retry, Set, read, to_bytes};
use crate::{Bus, Dead, Letter, Page, Source, State, Story, Told, Verdict};

/// Places of one event that are looked at: its record and those of its being sent again.
const PLACES_MAX: usize = 100;

impl Bus {
    /// Dead letters of an account and region, the newest first: at most `max` (1 to 1,000) of those before
    /// `before`, which is a page's `next`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn failed(&self, scope: &Scope, before: Option<u64>, max: usize) -> Result<Page, Fault> {
        Ok(page(&self.store().snapshot(), scope, before, max)?)
    }

    /// All that is known about an event: where it stands with each subscriber, or how it ended. Known for 7 days
    /// after it was accepted, for 31 if it was given up.
    ///
    /// # Errors
    /// [`Code::Missing`] when the event is unknown, and when the store cannot be read.
    pub fn event(&self, id: Id) -> Result<Story, Fault> {
        let snapshot = self.store().snapshot();
        let places = places(&snapshot, id)?;
        let mut story = None;
        for (place, source) in &places {
            let Place::Event { offset } = *place else { continue };
            let record = snapshot.read(&keys::log(source), offset, 1, READ_BYTES_MAX)?.into_iter().next();
            let Some(record) = record.filter(|record| record.offset == offset) else { continue };
            let entry: Entry = read(&record.value, "a record of a log")?;
            let told = self.tell(&snapshot, source, offset, &entry)?;
            let Some(event) = entry.event() else { continue };
            let story = story.get_or_insert_with(|| Story {
                event: event.clone(),
                accepted: record.at,
                deliveries: Vec::new(),
                letters: Vec::new(),
            });
            story.deliveries.extend(told);
        }
        let letters = dead_places(&snapshot, &places)?;
        let from_letter = letters.first().map(|letter| Story {
            event: letter.dead.event.clone(),
            accepted: letter.dead.accepted,
            deliveries: Vec::new(),
            letters: Vec::new(),
        });
        let story = story.or(from_letter).ok_or_else(|| unknown(id))?;
        Ok(Story { letters, ..story })
    }

    /// Sends the dead letters of an event again, each to the subscription that gave it up, with all its attempts.
    /// How many that are.
    ///
    /// # Errors
    /// [`Code::Missing`] when no dead letter has the event; [`Code::Conflict`] when each was sent again already or
    /// when a subscription is gone; the store's.
    pub async fn resend(&self, id: Id) -> Result<Durable<usize>, Fault> {
        for _ in 0..RESEND_TRIES_MAX {
            let (batch, count) = self.again(id)?;
            match self.store().commit(batch, count).await {
                Ok(durable) => return Ok(durable),
                // Somebody else sent it, or the subscriptions are others now: to be looked at again.
                Err(eddy_store::Error::Refused(refusal))
                    if matches!(refusal.value().condition, Refused::Condition(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let text = format!("the subscriptions of event {id} change too often to send it again");
        Err(Fault::new(Code::Conflict, Subject::Subscription, text))
    }

    /// What sends an event again, as things are now, and to how many.
    fn again(&self, id: Id) -> Result<(Batch, usize), Fault> {
        let snapshot = self.store().snapshot();
        let letters = dead_places(&snapshot, &places(&snapshot, id)?)?;
        if letters.is_empty() {
            let text = format!("no failed event has the id {id}");
            return Err(Fault::new(Code::Missing, Subject::Event, text));
        }
        let mut batch = Batch::new();
        let mut count = 0;
        for letter in letters.into_iter().filter(|letter| letter.resent.is_none()) {
            self.stage_again(&snapshot, &mut batch, letter)?;
            count += 1;
        }
        if count == 0 {
            return Err(sent_already(id));
        }
        Ok((batch, count))
    }

    /// Stages one dead letter for the subscription that gave it up, or that has taken its place, on the condition
    /// that it stays: one that closes reads no further than to where it was closed.
    fn stage_again(&self, snapshot: &Snapshot, batch: &mut Batch, letter: Letter) -> Result<(), Fault> {
        let Dead { event, subscription, serial, .. } = letter.dead;
        let set = snapshot.get(&keys::set(&event.source))?;
        let pos = set.as_ref().map_or(Pos::ZERO, |row| row.pos);
        let set = set.map(|row| read::<Set>(&row.value, "a set of subscriptions")).transpose()?;
        let lines = set.unwrap_or_default().lines;
        let active = || lines.iter().filter(|line| line.closed_by.is_none());
        let heir = || active().find(|line| line.subscription.id == subscription);
        let Some(line) = active().find(|line| line.serial == serial).or_else(heir) else {
            let text = format!("the subscription {subscription:?} that gave the event up is gone");
            return Err(Fault::new(Code::Conflict, Subject::Subscription, text));
        };
        let now = self.store().env().now();
        let key = keys::resent(event.source.scope(), letter.offset);
        batch.across_cells().at(keys::set(&event.source), pos);
        batch.absent(key.clone());
        batch.put_until(key, to_bytes(&Resent { at: now }), now.plus(DEAD_KEPT));
        let (log, serial) = (keys::log(&event.source), line.serial);
        batch.append(log, to_bytes(&Entry::Resent { event, serial }));
        Ok(())
    }

    /// Where an event stands with each subscription that it might concern.
    fn tell(
        &self,
        snapshot: &Snapshot,
        source: &Source,
        offset: u64,
        entry: &Entry,
    ) -> Result<Vec<Told>, Error> {
        let mut told = Vec::new();
        let mut ended = ended(snapshot, source, offset)?;
        let known = self.known(source);
        let concerned = known.lines.iter().filter(|line| line.from <= offset);
        let concerned = concerned.filter(|line| match entry {
            Entry::Resent { serial, .. } => *serial == line.serial,
            Entry::Event(_) | Entry::Changed { .. } => true,
        });
        for line in concerned {
            let at = ended.iter().position(|(serial, _)| *serial == line.serial);
            let target = Some(line.subscription.target.clone());
            told.push(match at.map(|at| ended.remove(at).1) {
                Some(ended) => Told { target, ..ended },
                None => Told { target, ..not_ended(snapshot, source, offset, entry, line)? },
            });
        }
        // Subscriptions that are gone by now.
        told.extend(ended.into_iter().map(|(_, ended)| ended));
        Ok(told)
    }
}

/// How the event ended for those for which it did, with their serials.
fn ended(snapshot: &Snapshot, source: &Source, offset: u64) -> Result<Vec<(u64, Told)>, Error> {
    let rows = snapshot.scan(keys::ends(source, offset), Order::Forward, crate::limits::SUBSCRIPTIONS_MAX)?;
    let tell = |(key, row): (eddy_store::Key, Row)| {
        let Ended { subscription, attempts, put_backs, end, at } = read(&row.value, "the end of an event")?;
        let serial = keys::last_number(&key).ok_or(Error::Unreadable("the key of an end"))?;
        let state = State::Ended { end, at };
        Ok((serial, Told { subscription, target: None, state, attempts, put_backs }))
    };
    rows.into_iter().map(tell).collect()
}

fn not_ended(
    snapshot: &Snapshot,
    source: &Source,
    offset: u64,
    entry: &Entry,
    line: &Enrolled,
) -> Result<Told, Error> {
    let told = |state, attempts| Told {
        subscription: line.subscription.id.clone(),
        target: None,
        state,
        attempts,
        put_backs: 0,
    };
    if let Some(row) = snapshot.get(&keys::retry(source, line.serial, offset))? {
        let Retry { due, attempts } = read(&row.value, "a retry")?;
        return Ok(told(State::Retrying { due }, attempts));
    }
    if let Entry::Event(event) = entry
        && let Verdict::Not(why) = line.subscription.filter.verdict(event)
    {
        return Ok(told(State::NotWanted(why), Vec::new()));
    }
    let position = snapshot.get(&keys::position(source, line.serial))?;
    let position = position.map(|row| read::<Position>(&row.value, "a position")).transpose()?;
    let is_taken = position.is_some_and(|position| position.taken.contains(offset));
    Ok(told(if is_taken { State::Settled } else { State::Waiting }, Vec::new()))
}

fn places(snapshot: &Snapshot, id: Id) -> Result<Vec<(Place, Source)>, Error> {
    let rows = snapshot.scan(keys::places(id), Order::Forward, PLACES_MAX)?;
    let place = |(key, row): (eddy_store::Key, Row)| {
        let place = keys::read_place(&key).ok_or(Error::Unreadable("a place in the index"))?;
        Ok((place, read(&row.value, "a place in the index")?))
    };
    rows.into_iter().map(place).collect()
}

fn dead_places(snapshot: &Snapshot, places: &[(Place, Source)]) -> Result<Vec<Letter>, Error> {
    let mut found = Vec::new();
    for (place, source) in places {
        let Place::Dead { offset } = *place else { continue };
        found.extend(letters(snapshot, source.scope(), offset..offset + 1)?);
    }
    Ok(found)
}

/// The last dead letters of an account and region.
pub(crate) fn last_letters(snapshot: &Snapshot, scope: &Scope, max: usize) -> Result<Vec<Letter>, Error> {
    Ok(page(snapshot, scope, None, max)?.letters)
}

fn page(snapshot: &Snapshot, scope: &Scope, before: Option<u64>, max: usize) -> Result<Page, Error> {
    let log = keys::dead_log(scope);
    let (tail, head) = (snapshot.tail(&log)?, snapshot.head(&log)?);
    let end = before.unwrap_or(head).min(head);
    let max = max.clamp(1, DEAD_PAGE_MAX);
    let from = end.saturating_sub(u64::try_from(max).expect("a page is small")).max(tail);
    let mut letters = letters(snapshot, scope, from..end)?;
    letters.reverse();
    Ok(Page { letters, next: (from > tail).then_some(from) })
}

/// Dead letters, the oldest first.
fn letters(snapshot: &Snapshot, scope: &Scope, offsets: std::ops::Range<u64>) -> Result<Vec<Letter>, Error> {
    let mut found = Vec::new();
    let mut from = offsets.start;
    while from < offsets.end {
        let max = usize::try_from(offsets.end - from).unwrap_or(DEAD_PAGE_MAX).min(DEAD_PAGE_MAX);
        let records = snapshot.read(&keys::dead_log(scope), from, max, READ_BYTES_MAX)?;
        let Some(last) = records.last() else { break };
        from = last.offset + 1;
        for record in records.into_iter().filter(|record| offsets.contains(&record.offset)) {
            let dead = read(&record.value, "a dead letter")?;
            let resent = snapshot.get(&keys::resent(scope, record.offset))?;
            let resent =
                resent.map(|row| read::<Resent>(&row.value, "the mark of a dead letter")).transpose()?;
            found.push(Letter { offset: record.offset, dead, resent: resent.map(|resent| resent.at) });
        }
    }
    Ok(found)
}

fn unknown(id: Id) -> Fault {
    Fault::new(Code::Missing, Subject::Event, format!("no event is known by the id {id}"))
}

fn sent_already(id: Id) -> Fault {
    Fault::new(Code::Conflict, Subject::Event, format!("the event {id} was sent again already"))
}
