//! Writing: what clients put, and what functions print.

use std::sync::PoisonError;

use eddy_base::{Code, Fault, Scope, Subject, Timestamp};
use eddy_store::{Batch, Durable, Error};

use super::chunk::Chunk;
use super::rows::{self, APPEND, Append};
use super::{Event, Logs, Settings, no_stream};
use crate::limits::{EVENT_AGE_MAX, EVENT_AHEAD_MAX, RECORD_BYTES_MAX};
use crate::{Telemetry, keys};

/// What became of a put.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Put {
    pub rejected: Rejected,
}

/// Events that were not taken, by their place in the put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejected {
    /// The first that is more than two hours ahead; all after it are.
    pub too_new_from: Option<usize>,
    /// Behind the last that is older than 14 days.
    pub too_old_until: Option<usize>,
    /// Behind the last that is older than the group's retention.
    pub expired_until: Option<usize>,
}

/// What was printed to a group that is being made.
#[derive(Default)]
pub(crate) struct Unmade {
    lines: Vec<(String, Vec<Event>)>,
    bytes: usize,
}

impl Logs {
    /// Appends events, which are in the order of their times, to a stream. Those out of bounds are left out and
    /// named in the answer.
    ///
    /// # Errors
    /// [`Code::Missing`] when there is no such group or stream; the store's.
    pub async fn put(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        mut events: Vec<Event>,
    ) -> Result<Durable<Put>, Fault> {
        let group = self.found(&self.store.snapshot(), scope, group)?;
        let rejected = rejected(&events, self.now(), group.hidden_before(self.now()));
        events.truncate(rejected.too_new_from.unwrap_or(events.len()));
        events.drain(..rejected.taken_from().min(events.len()));
        let mut batch = Batch::new();
        batch.present(keys::stream(group.id, stream));
        append(&mut batch, &group, stream, events, false);
        match self.store.commit(batch, Put { rejected }).await {
            Ok(durable) => Ok(durable),
            Err(Error::Refused(_)) => Err(no_stream()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a group if there is none, as whoever prints to it would.
    ///
    /// # Errors
    /// The store's.
    pub async fn ensure_group(&self, scope: &Scope, group: &str) -> Result<(), Fault> {
        if self.find(&self.store.snapshot(), scope, group)?.is_some() {
            return Ok(());
        }
        match self.create_group(scope, group, Settings::default()).await {
            Ok(_) => Ok(()),
            Err(fault) if fault.code == Code::Exists && fault.subject == Subject::LogGroup => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn print(&self, scope: &Scope, group: &str, stream: &str, events: Vec<Event>) -> Result<(), Fault> {
        let place = (scope.clone(), group.to_owned());
        let mut unmade = self.unmade.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unmade) = unmade.get_mut(&place) {
            unmade.add(stream, events);
            return Ok(());
        }
        if let Some(group) = self.find(&self.store.snapshot(), scope, group)? {
            drop(unmade);
            let mut batch = Batch::new();
            append(&mut batch, &group, stream, events, true);
            return Ok(self.store.record(batch)?);
        }
        let mut first = Unmade::default();
        first.add(stream, events);
        unmade.insert(place.clone(), first);
        drop(unmade);
        let logs = self.clone();
        let make = async move { logs.make(place).await };
        self.store.env().spawn("log group", Box::pin(make)).detach();
        Ok(())
    }

    /// Makes the group, then writes what was printed to it in the meantime.
    async fn make(&self, place: (Scope, String)) {
        let made = self.ensure_group(&place.0, &place.1).await;
        let mut all = self.unmade.lock().unwrap_or_else(PoisonError::into_inner);
        let unmade = all.remove(&place).unwrap_or_default();
        // Under the lock, so that what is printed now stays behind what was printed before.
        let written =
            made.and_then(|()| self.find(&self.store.snapshot(), &place.0, &place.1)).and_then(|group| {
                let Some(group) = group else { return Ok(()) };
                unmade.lines.into_iter().try_for_each(|(stream, events)| {
                    let mut batch = Batch::new();
                    append(&mut batch, &group, &stream, events, true);
                    Ok(self.store.record(batch)?)
                })
            });
        if let Err(fault) = written {
            tracing::warn!(%fault, group = place.1, "what was printed is lost");
        }
    }
}

impl Unmade {
    fn add(&mut self, stream: &str, events: Vec<Event>) {
        self.bytes += events.iter().map(|event| event.message.len()).sum::<usize>();
        if self.bytes > RECORD_BYTES_MAX {
            tracing::warn!(stream, "more is printed than the disk takes; lines are lost");
            return;
        }
        self.lines.push((stream.to_owned(), events));
    }
}

impl Telemetry {
    /// Writes what a function printed, with the times when it did. The group and the stream are made when they are
    /// not there. On disk with the next group of commits or within a second; what cannot be written is lost, and
    /// said so in the server's own log. [`Logs::ensure_group`] beforehand lets even the first lines of a group go
    /// with the next commit.
    pub fn append(&self, scope: &Scope, group: &str, stream: &str, lines: Vec<(Timestamp, String)>) {
        let events: Vec<Event> = lines.into_iter().map(|(at, message)| Event { at, message }).collect();
        if events.is_empty() {
            return;
        }
        if let Err(fault) = self.logs().print(scope, group, stream, events) {
            tracing::warn!(%fault, group, "what was printed is lost");
        }
    }
}

/// Stages events at the end of a stream.
fn append(batch: &mut Batch, group: &rows::Group, stream: &str, events: Vec<Event>, makes_stream: bool) {
    let bytes: usize = events.iter().map(|event| event.message.len()).sum();
    for chunk in Chunk::cut(events) {
        let args = Append { first: chunk.first, last: chunk.last, makes_stream };
        batch.update(keys::stream(group.id, stream), APPEND, rows::to_bytes(&args));
        batch.append(keys::log(group.id, stream, group.class()), rows::to_bytes(&chunk));
    }
    if bytes > 0 {
        batch.add(keys::bytes(group.id), i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// Which events are out of bounds. They are in the order of their times.
fn rejected(events: &[Event], now: Timestamp, hidden_before: Timestamp) -> Rejected {
    let too_new = now.plus(EVENT_AHEAD_MAX);
    let age = i64::try_from(EVENT_AGE_MAX.as_millis()).expect("two weeks of milliseconds fit");
    let too_old = Timestamp::from_millis(now.millis() - age);
    let until = |limit: Timestamp| {
        let count = events.partition_point(|event| event.at < limit);
        (count > 0).then_some(count)
    };
    let too_new_from = events.partition_point(|event| event.at <= too_new);
    Rejected {
        too_new_from: (too_new_from < events.len()).then_some(too_new_from),
        too_old_until: until(too_old),
        // What is too old for anybody is not also expired.
        expired_until: until(hidden_before).filter(|count| Some(*count) > until(too_old)),
    }
}

impl Rejected {
    fn taken_from(self) -> usize {
        self.too_old_until.max(self.expired_until).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_out_of_bounds_are_named() {
        const DAY: i64 = 24 * 60;
        let now = Timestamp::from_seconds(100 * DAY * 60);
        let check = |minutes_ago: &[i64], retention_days: Option<i64>, expected| {
            let at = |minutes: &i64| Timestamp::from_seconds(now.seconds() - minutes * 60);
            let event = |minutes| Event { at: at(minutes), message: String::new() };
            let events: Vec<Event> = minutes_ago.iter().map(event).collect();
            let hidden = retention_days.map_or(i64::MIN, |days| now.millis() - days * DAY * 60_000);
            let Rejected { too_new_from, too_old_until, expired_until } =
                rejected(&events, now, Timestamp::from_millis(hidden));
            assert_eq!((too_new_from, too_old_until, expired_until), expected, "{minutes_ago:?}");
        };
        check(&[], None, (None, None, None));
        check(&[14 * DAY, DAY, 0, -120], None, (None, None, None));
        check(&[15 * DAY, 14 * DAY + 1, 13 * DAY, 0], None, (None, Some(2), None));
        check(&[0, -121, -DAY], None, (Some(1), None, None));
        check(&[6 * DAY, 4 * DAY, 2 * DAY], Some(5), (None, None, Some(1)));
        check(&[20 * DAY, 6 * DAY, 2 * DAY], Some(5), (None, Some(1), Some(2)));
        check(&[20 * DAY, 2 * DAY], Some(5), (None, Some(1), None));
        check(&[20 * DAY, -DAY], Some(30), (Some(1), Some(1), None));
    }
}
