//! What becomes of an event: before an attempt, and after one. Functions of values; nothing is done here.

use std::time::Duration;

use eddy_base::{HOPS_MAX, Timestamp};

use crate::limits::{AGE_MAX, AGE_MIN};
use crate::rows::{Enrolled, Entry};
use crate::window::backoff;
use crate::{Event, Outcome, Reason, RetryPolicy, Verdict};

/// What is known about an event and one of its subscribers from earlier attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Past {
    /// Attempts that counted; each failed.
    pub(crate) failures: u32,
    /// Attempts that did not count, since the start.
    pub(crate) put_backs: u32,
}

/// What is to be done with a record of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission<'a> {
    /// It is not for this subscription.
    Pass,
    /// It may be delivered, if it is not dead.
    Wanted(&'a Event),
    /// The subscription ends here.
    Ends,
}

/// What is to be done after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Done,
    Retry { due: Timestamp },
    PutBack { due: Timestamp },
    Dead { reason: Reason },
}

/// Is this record for this subscription?
pub(crate) fn admit<'a>(entry: &'a Entry, enrolled: &Enrolled) -> Admission<'a> {
    match entry {
        Entry::Event(event) => match enrolled.subscription.filter.verdict(event) {
            Verdict::Matches => Admission::Wanted(event),
            Verdict::Not(_) => Admission::Pass,
        },
        Entry::Resent { event, serial } if *serial == enrolled.serial => Admission::Wanted(event),
        Entry::Resent { .. } => Admission::Pass,
        Entry::Changed { change } if enrolled.closed_by == Some(*change) => Admission::Ends,
        Entry::Changed { .. } => Admission::Pass,
    }
}

/// Why the event must not be attempted at all, if so.
pub(crate) fn spent(
    event: &Event,
    accepted: Timestamp,
    now: Timestamp,
    policy: &RetryPolicy,
) -> Option<Reason> {
    if event.cause.hops >= HOPS_MAX {
        return Some(Reason::Hops);
    }
    (now >= too_old_at(accepted, policy)).then_some(Reason::Age)
}

/// What follows from an attempt. `random` is any number, drawn evenly.
pub(crate) fn decide(
    outcome: &Outcome,
    past: Past,
    accepted: Timestamp,
    now: Timestamp,
    policy: &RetryPolicy,
    random: u64,
) -> Decision {
    let end = too_old_at(accepted, policy);
    match outcome {
        Outcome::Done => Decision::Done,
        Outcome::Gone { .. } => Decision::Dead { reason: Reason::Gone },
        Outcome::Failed { .. } if past.failures >= policy.retries => {
            Decision::Dead { reason: Reason::Retries }
        }
        Outcome::Failed { .. } => {
            let due = now.plus(policy.base.saturating_mul(1 << past.failures.min(16)));
            // A retry that could only find it too old tells nobody anything that is not known now.
            if due >= end { Decision::Dead { reason: Reason::Age } } else { Decision::Retry { due } }
        }
        Outcome::PutBack { .. } if now >= end => Decision::Dead { reason: Reason::Age },
        Outcome::PutBack { after, .. } => {
            let span = backoff(past.put_backs, random).max(after.unwrap_or(Duration::ZERO));
            Decision::PutBack { due: now.plus(span).min(end) }
        }
    }
}

/// From when on the event is given up.
fn too_old_at(accepted: Timestamp, policy: &RetryPolicy) -> Timestamp {
    accepted.plus(policy.age_max.clamp(AGE_MIN, AGE_MAX))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use eddy_base::{Cause, Id, Scope};

    use super::*;
    use crate::{Filter, Source, Subscription, TargetName};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn failed() -> Outcome {
        let text = String::from("ValueError");
        Outcome::Failed {
            error_type: text.clone(),
            message: text,
            trace: None,
            code_version: "$LATEST".into(),
        }
    }

    fn put_back(after: Option<u64>) -> Outcome {
        Outcome::PutBack { after: after.map(Duration::from_secs), reason: "busy".into() }
    }

    fn event(hops: u32) -> Event {
        let id = Id::from_bytes([1; 16]);
        let scope = Scope { account: Default::default(), region: Default::default() };
        Event {
            id,
            at: at(0),
            source: Source::Bucket { scope, name: "b".into() },
            kind: "object.created.put".into(),
            subject: "a".into(),
            cause: Cause { hops, ..Cause::root(id) },
            data: Bytes::new(),
        }
    }

    fn enrolled(prefix: &str, closed_by: Option<u64>) -> Enrolled {
        let scope = Scope { account: Default::default(), region: Default::default() };
        let subscription = Subscription {
            id: "s".into(),
            filter: Filter { prefix: prefix.into(), ..Filter::default() },
            target: TargetName::Function { scope, name: "f".into(), qualifier: None },
            shape: Subscription::RAW.into(),
            retry_base_ms: None,
        };
        Enrolled { serial: 7, from: 0, subscription, closed_by }
    }

    #[test]
    fn records_find_their_subscriptions() {
        let happened = event(0);
        let check = |entry: Entry, enrolled: Enrolled, expected: Admission<'_>| {
            assert_eq!(admit(&entry, &enrolled), expected, "{entry:?} for {enrolled:?}");
        };
        check(Entry::Event(event(0)), enrolled("", None), Admission::Wanted(&happened));
        check(Entry::Event(event(0)), enrolled("x", None), Admission::Pass);
        // Sent again, it goes to one subscription, whatever its filter says by now.
        check(
            Entry::Resent { event: event(0), serial: 7 },
            enrolled("x", None),
            Admission::Wanted(&happened),
        );
        check(Entry::Resent { event: event(0), serial: 8 }, enrolled("", None), Admission::Pass);
        check(Entry::Changed { change: 3 }, enrolled("", None), Admission::Pass);
        check(Entry::Changed { change: 3 }, enrolled("", Some(4)), Admission::Pass);
        check(Entry::Changed { change: 3 }, enrolled("", Some(3)), Admission::Ends);
    }

    #[test]
    fn chains_and_old_events_are_not_attempted() {
        let policy = RetryPolicy { age_max: Duration::from_secs(100), ..RetryPolicy::default() };
        let check = |hops, now, expected| {
            assert_eq!(spent(&event(hops), at(1_000), at(now), &policy), expected, "{hops} hops at {now}");
        };
        check(0, 1_000, None);
        check(15, 1_099, None);
        check(16, 1_000, Some(Reason::Hops));
        check(0, 1_100, Some(Reason::Age));
    }

    #[test]
    fn failures_come_again_after_60_and_120_s_and_then_no_more() {
        let policy = RetryPolicy::default();
        let check = |outcome: Outcome, failures, policy: &RetryPolicy, now, expected| {
            let past = Past { failures, put_backs: 9 };
            let decision = decide(&outcome, past, at(0), at(now), policy, 0);
            assert_eq!(decision, expected, "{outcome:?} after {failures} failures at {now}");
        };
        check(Outcome::Done, 2, &policy, 99_999, Decision::Done);
        check(failed(), 0, &policy, 5, Decision::Retry { due: at(65) });
        check(failed(), 1, &policy, 65, Decision::Retry { due: at(185) });
        check(failed(), 2, &policy, 185, Decision::Dead { reason: Reason::Retries });
        check(Outcome::Gone { message: "x".into() }, 0, &policy, 5, Decision::Dead { reason: Reason::Gone });

        let once = RetryPolicy { retries: 0, ..policy };
        check(failed(), 0, &once, 5, Decision::Dead { reason: Reason::Retries });
        let quick = RetryPolicy { base: Duration::from_millis(500), ..policy };
        check(failed(), 1, &quick, 5, Decision::Retry { due: at(6) });
        let short = RetryPolicy { age_max: Duration::from_secs(100), ..policy };
        check(failed(), 0, &short, 39, Decision::Retry { due: at(99) });
        check(failed(), 0, &short, 40, Decision::Dead { reason: Reason::Age });
    }

    #[test]
    fn put_backs_grow_with_jitter_until_the_age_is_up() {
        let policy = RetryPolicy { age_max: Duration::from_secs(1_000), ..RetryPolicy::default() };
        let check = |after, put_backs, now, random, expected| {
            let past = Past { failures: 2, put_backs };
            let decision = decide(&put_back(after), past, at(0), at(now), &policy, random);
            assert_eq!(decision, expected, "{put_backs} put-backs at {now}, {random}");
        };
        check(None, 0, 10, 1_000, Decision::PutBack { due: at(11) });
        check(None, 0, 10, 1_001, Decision::PutBack { due: at(10) });
        check(None, 3, 10, 8_000, Decision::PutBack { due: at(18) });
        check(None, 40, 10, 300_000, Decision::PutBack { due: at(310) });
        // The target's own wish is the least; the age is the most.
        check(Some(30), 0, 10, 1_000, Decision::PutBack { due: at(40) });
        check(Some(30), 0, 990, 1_000, Decision::PutBack { due: at(1_000) });
        check(None, 0, 1_000, 0, Decision::Dead { reason: Reason::Age });
    }
}
