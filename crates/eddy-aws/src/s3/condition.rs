//! The conditional headers.

use eddy_base::{Fault, Timestamp};
use eddy_objects::{Admission, Broken, Conditions, Head, When};
use eddy_wire::Time;

use super::fault;

/// The conditional headers of a read, or those on a copy's source.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    pub matches: Option<&'a str>,
    pub none_match: Option<&'a str>,
    pub modified_since: Option<Time>,
    pub unmodified_since: Option<Time>,
}

/// What a read is to answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Object,
    /// 304: the client has it.
    Unchanged,
}

impl Given<'_> {
    /// A time that is still to come is no date for `If-Modified-Since` (RFC 9110 section 13.1.3), so it says nothing.
    fn conditions(&self, now: Timestamp) -> Conditions {
        Conditions {
            matches: self.matches.map(etags),
            none_matches: self.none_match.map(etags),
            modified_since: self.modified_since.map(|time| time.0).filter(|since| *since <= now),
            unmodified_since: self.unmodified_since.map(|time| time.0),
        }
    }

    /// # Errors
    /// 412.
    pub(super) fn admit(&self, head: &Head, now: Timestamp) -> Result<Answer, Fault> {
        match self.conditions(now).admit(head) {
            Admission::Admitted => Ok(Answer::Object),
            Admission::Unchanged(_) => Ok(Answer::Unchanged),
            Admission::Failed(broken) => Err(fault::precondition_failed(header_of(broken))),
        }
    }

    /// For the source of a copy, where "not modified" is a failure too.
    ///
    /// # Errors
    /// 412.
    pub(super) fn admit_source(&self, head: &Head, now: Timestamp) -> Result<(), Fault> {
        match self.conditions(now).admit(head) {
            Admission::Admitted => Ok(()),
            Admission::Unchanged(broken) | Admission::Failed(broken) => {
                Err(fault::precondition_failed(&format!("x-amz-copy-source-{}", header_of(broken))))
            }
        }
    }
}

fn header_of(broken: Broken) -> &'static str {
    match broken {
        Broken::Matches => "If-Match",
        Broken::NoneMatches => "If-None-Match",
        Broken::ModifiedSince => "If-Modified-Since",
        Broken::UnmodifiedSince => "If-Unmodified-Since",
    }
}

/// The condition of a write.
///
/// # Errors
/// Both headers, or `If-None-Match` with anything but `*`, which S3 does not have.
pub(super) fn when(matches: Option<&str>, none_match: Option<&str>) -> Result<When, Fault> {
    match (matches, none_match.map(str::trim)) {
        (None, None) => Ok(When::Always),
        (None, Some("*")) => Ok(When::Absent),
        (Some(etag), None) => Ok(when_matches(etag)),
        (None, Some(_)) => {
            let why = "We don't accept the provided value of If-None-Match header for this API";
            Err(functionality("If-None-Match", why))
        }
        (Some(_), Some(_)) => {
            let why = "Multiple conditional request headers present in the request";
            Err(functionality("If-Match,If-None-Match", why))
        }
    }
}

/// The condition of an `If-Match` alone.
pub(super) fn when_matches(etag: &str) -> When {
    match unquoted(etag) {
        "*" => When::Present,
        etag => When::Etag(etag.to_owned()),
    }
}

/// Names the header whose condition failed.
pub(super) fn of_write(fault: Fault, when: &When) -> Fault {
    if fault.name != Some("PreconditionFailed") {
        return fault;
    }
    fault::precondition_failed(match when {
        When::Absent => "If-None-Match",
        When::Always | When::Present | When::Etag(_) => "If-Match",
    })
}

fn functionality(header: &str, why: &str) -> Fault {
    let text = "A header you provided implies functionality that is not implemented";
    fault::unsupported(text).with("Header", header).with("additionalMessage", why)
}

/// `"a", W/"b"` without quotes.
fn etags(header: &str) -> Vec<String> {
    header.split(',').map(|etag| unquoted(etag).to_owned()).collect()
}

pub(super) fn unquoted(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

pub(super) fn quoted(etag: impl std::fmt::Display) -> String {
    format!("\"{etag}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_conditions() {
        let check = |matches, none_match, expected: Option<When>| {
            assert_eq!(when(matches, none_match).ok(), expected, "{matches:?} {none_match:?}");
        };
        check(None, None, Some(When::Always));
        check(None, Some("*"), Some(When::Absent));
        check(Some("\"abc\""), None, Some(When::Etag("abc".into())));
        check(Some("abc"), None, Some(When::Etag("abc".into())));
        check(Some("*"), None, Some(When::Present));
        check(None, Some("\"abc\""), None);
        check(Some("a"), Some("*"), None);
        assert_eq!(etags("\"a\", W/\"b\",c"), ["a", "b", "c"]);
    }
}
