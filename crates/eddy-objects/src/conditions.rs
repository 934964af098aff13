//! Conditions that a request puts on the object it finds.

use eddy_base::Timestamp;

use crate::error::Error;
use crate::rows::Head;

/// What a key must hold for a write to happen. Decided inside the commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum When {
    #[default]
    Always,
    /// Nothing.
    Absent,
    /// An object, whichever.
    Present,
    /// The object with this ETag, written without quotes.
    Etag(String),
}

impl When {
    /// # Errors
    /// [`Error::ConditionFailed`], and [`Error::NoSuchObject`] for an ETag of an object that is not there.
    pub fn check(&self, old: Option<&Head>) -> Result<(), Error> {
        let holds = match (self, old) {
            (When::Always, _) => true,
            (When::Absent, old) => old.is_none(),
            (When::Present, old) => old.is_some(),
            (When::Etag(_), None) => return Err(Error::NoSuchObject),
            (When::Etag(etag), Some(old)) => *etag == old.etag.to_string(),
        };
        if holds { Ok(()) } else { Err(Error::ConditionFailed) }
    }
}

/// Conditions on reading, as HTTP has them (RFC 9110 section 13). Absent ones hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// ETags without quotes, of which the object must have one; `*` is any.
    pub matches: Option<Vec<String>>,
    /// ETags without quotes, of which the object must have none; `*` is any.
    pub none_matches: Option<Vec<String>>,
    pub modified_since: Option<Timestamp>,
    pub unmodified_since: Option<Timestamp>,
}

/// What becomes of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// The reader has this state already.
    Unchanged(Broken),
    /// The reader wants another state.
    Failed(Broken),
}

/// The first condition that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    Matches,
    NoneMatches,
    ModifiedSince,
    UnmodifiedSince,
}

impl Conditions {
    /// The order is that of RFC 9110 section 13.2.2: an ETag condition overrides the date beside it.
    pub fn admit(&self, head: &Head) -> Admission {
        let etag = head.etag.to_string();
        let has = |etags: &Vec<String>| etags.iter().any(|wanted| wanted == "*" || *wanted == etag);
        // HTTP dates have whole seconds.
        let modified = head.modified.seconds();
        match (&self.matches, self.unmodified_since) {
            (Some(etags), _) if !has(etags) => return Admission::Failed(Broken::Matches),
            (None, Some(since)) if modified > since.seconds() => {
                return Admission::Failed(Broken::UnmodifiedSince);
            }
            (_, _) => {}
        }
        match (&self.none_matches, self.modified_since) {
            (Some(etags), _) if has(etags) => Admission::Unchanged(Broken::NoneMatches),
            (None, Some(since)) if modified <= since.seconds() => Admission::Unchanged(Broken::ModifiedSince),
            (_, _) => Admission::Admitted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Description, Etag};
    use eddy_base::{Cause, Id};

    fn head() -> Head {
        Head {
            size: 1,
            etag: Etag { md5: [0xab; 16], parts: None },
            modified: Timestamp::from_millis(1_000_500),
            description: Description::default(),
            checksum: None,
            upload: None,
            parts: None,
            cause: Cause::root(Id::from_bytes([0; 16])),
            body: None,
        }
    }

    #[test]
    fn an_etag_overrides_the_date_beside_it() {
        let own = "ab".repeat(16);
        let check =
            |matches: Option<&str>, none: Option<&str>, since: Option<i64>, unless: Option<i64>, expected| {
                let list = |etag: Option<&str>| etag.map(|etag| vec![etag.to_owned()]);
                let conditions = Conditions {
                    matches: list(matches),
                    none_matches: list(none),
                    modified_since: since.map(Timestamp::from_seconds),
                    unmodified_since: unless.map(Timestamp::from_seconds),
                };
                assert_eq!(conditions.admit(&head()), expected, "{conditions:?}");
            };
        check(None, None, None, None, Admission::Admitted);
        check(Some(&own), None, None, Some(0), Admission::Admitted);
        check(Some("*"), None, None, None, Admission::Admitted);
        check(Some("x"), None, None, None, Admission::Failed(Broken::Matches));
        check(None, None, None, Some(999), Admission::Failed(Broken::UnmodifiedSince));
        check(None, None, None, Some(1000), Admission::Admitted);
        check(None, Some(&own), None, None, Admission::Unchanged(Broken::NoneMatches));
        check(None, Some("x"), Some(2000), None, Admission::Admitted);
        check(None, None, Some(1000), None, Admission::Unchanged(Broken::ModifiedSince));
        check(None, None, Some(999), None, Admission::Admitted);
    }

    #[test]
    fn writes_ask_for_what_is_there() {
        let own = "ab".repeat(16);
        let fails =
            |when: When, there: bool| when.check(there.then(head).as_ref()).err().map(|e| e.to_string());
        assert_eq!(fails(When::Absent, false), None);
        assert_eq!(fails(When::Absent, true), Some(Error::ConditionFailed.to_string()));
        assert_eq!(fails(When::Present, false), Some(Error::ConditionFailed.to_string()));
        assert_eq!(fails(When::Etag(own.clone()), true), None);
        assert_eq!(fails(When::Etag("x".into()), true), Some(Error::ConditionFailed.to_string()));
        assert_eq!(fails(When::Etag(own), false), Some(Error::NoSuchObject.to_string()));
    }
}
