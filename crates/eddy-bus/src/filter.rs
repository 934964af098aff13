//! Which events a subscriber wants, and, for the others, why not.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::Event;

/// Conditions on an event; all must hold. The default wants everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Filter {
    /// Wanted kinds: exact (`object.created.put`), everything below a word (`object.created.*`) or `*`. Empty
    /// wants every kind.
    #[n(0)]
    pub kinds: Vec<String>,
    /// What the subject must begin with.
    #[n(1)]
    pub prefix: String,
    /// What the subject must end with.
    #[n(2)]
    pub suffix: String,
}

/// Whether a subscriber gets an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Matches,
    Not(WhyNot),
}

/// The first condition of a filter that an event does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    Kind { is: String, wanted: Vec<String> },
    Prefix { subject: String, wanted: String },
    Suffix { subject: String, wanted: String },
}

impl Filter {
    pub fn verdict(&self, event: &Event) -> Verdict {
        if !self.kinds.is_empty() && !self.kinds.iter().any(|pattern| kind_matches(pattern, &event.kind)) {
            return Verdict::Not(WhyNot::Kind { is: event.kind.clone(), wanted: self.kinds.clone() });
        }
        if !event.subject.starts_with(&self.prefix) {
            let (subject, wanted) = (event.subject.clone(), self.prefix.clone());
            return Verdict::Not(WhyNot::Prefix { subject, wanted });
        }
        if !event.subject.ends_with(&self.suffix) {
            let (subject, wanted) = (event.subject.clone(), self.suffix.clone());
            return Verdict::Not(WhyNot::Suffix { subject, wanted });
        }
        Verdict::Matches
    }
}

fn kind_matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        // The dot stays in `general`: `object.created.*` does not want `object.createdness`.
        Some(general) if general.ends_with('.') => kind.starts_with(general),
        Some(_) | None => pattern == kind,
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhyNot::Kind { is, wanted } => write!(f, "the kind {is} is none of {}", wanted.join(", ")),
            WhyNot::Prefix { subject, wanted } => write!(f, "{subject:?} does not begin with {wanted:?}"),
            WhyNot::Suffix { subject, wanted } => write!(f, "{subject:?} does not end with {wanted:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use eddy_base::{Cause, Id, Scope, Timestamp};

    use super::*;
    use crate::Source;

    fn event(kind: &str, subject: &str) -> Event {
        let id = Id::from_bytes([7; 16]);
        let scope = Scope { account: Default::default(), region: Default::default() };
        Event {
            id,
            at: Timestamp::EPOCH,
            source: Source::Bucket { scope, name: "photos".into() },
            kind: kind.into(),
            subject: subject.into(),
            cause: Cause::root(id),
            data: Bytes::new(),
        }
    }

    #[test]
    fn a_verdict_names_the_first_condition_that_fails() {
        let check =
            |kinds: &[&str], prefix: &str, suffix: &str, kind: &str, subject: &str, expected: &str| {
                let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
                let filter = Filter { kinds, prefix: prefix.into(), suffix: suffix.into() };
                let verdict = match filter.verdict(&event(kind, subject)) {
                    Verdict::Matches => "matches".to_owned(),
                    Verdict::Not(why) => why.to_string(),
                };
                assert_eq!(verdict, expected, "{filter:?} on {kind} {subject}");
            };
        check(&[], "", "", "anything.at.all", "", "matches");
        check(&["*"], "", "", "object.created.put", "a", "matches");
        check(&["object.created.*"], "", "", "object.created.put", "a", "matches");
        check(&["object.created.put"], "in/", ".jpg", "object.created.put", "in/a.jpg", "matches");
        check(&["object.created.put"], "年", "", "object.created.put", "年度 报告+1.txt", "matches");
        check(
            &["object.created.put", "object.created.copy"],
            "",
            "",
            "object.removed.delete",
            "a",
            "the kind object.removed.delete is none of object.created.put, object.created.copy",
        );
        check(
            &["object.created.*"],
            "",
            "",
            "object.createdness",
            "a",
            "the kind object.createdness is none of object.created.*",
        );
        check(&["object.c*"], "", "", "object.created", "a", "the kind object.created is none of object.c*");
        check(&[], "in/", ".jpg", "x", "out/a.jpg", "\"out/a.jpg\" does not begin with \"in/\"");
        check(&[], "in/", ".jpg", "x", "in/a.png", "\"in/a.png\" does not end with \".jpg\"");
    }
}
