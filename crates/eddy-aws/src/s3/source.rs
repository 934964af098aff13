//! The source of a copy.

use eddy_base::{Fault, Timestamp};
use eddy_objects::{Error, Object};
use eddy_wire::Time;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::condition::Given;
use super::fault::{self, About};
use super::names;
use super::read::unversioned;
use crate::Cx;

/// What `x-amz-copy-source` names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub bucket: String,
    pub key: String,
}

/// What a copy says of its source: where it is, whose, and in which state.
#[derive(Deserialize)]
pub(super) struct Wanted {
    copy_source: String,
    copy_source_if_match: Option<String>,
    copy_source_if_none_match: Option<String>,
    copy_source_if_modified_since: Option<Time>,
    copy_source_if_unmodified_since: Option<Time>,
    expected_source_bucket_owner: Option<String>,
}

impl Source {
    /// Reads `bucket/key`, URL-encoded, perhaps with a slash before and `?versionId=` behind.
    ///
    /// # Errors
    /// Another form; an access point, which eddy does not have.
    pub(super) fn parse(header: &str) -> Result<Source, Fault> {
        let wrong = |text: &str| fault::invalid_argument(text, "x-amz-copy-source", header);
        let (path, version) = match header.rsplit_once("?versionId=") {
            Some((path, version)) => (path, Some(version)),
            None => (header, None),
        };
        unversioned(version)?;
        let path = path.replace('+', " ");
        let path = percent_decode_str(&path).decode_utf8();
        let path = path.map_err(|_| wrong("Invalid copy source encoding."))?;
        if path.starts_with("arn:") {
            return Err(fault::not_implemented("A copy source that is an access point"));
        }
        let path = path.strip_prefix('/').unwrap_or(&path);
        match path.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Source { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            Some(_) | None => {
                Err(wrong("Copy Source must mention the source bucket and key: sourcebucket/sourcekey"))
            }
        }
    }
}

impl Wanted {
    /// # Errors
    /// As [`Source::parse`].
    pub(super) fn source(&self) -> Result<Source, Fault> {
        Source::parse(&self.copy_source)
    }

    /// The source, whose bucket is one that may be read.
    ///
    /// # Errors
    /// As [`Source::parse`] and [`names::open`].
    pub(super) fn open(&self, cx: &Cx) -> Result<Source, Fault> {
        let source = self.source()?;
        names::open(cx, &source.bucket, self.expected_source_bucket_owner.as_deref())?;
        Ok(source)
    }

    /// # Errors
    /// 412.
    pub(super) fn admit(&self, source: &Object, now: Timestamp) -> Result<(), Fault> {
        let given = Given {
            matches: self.copy_source_if_match.as_deref(),
            none_match: self.copy_source_if_none_match.as_deref(),
            modified_since: self.copy_source_if_modified_since,
            unmodified_since: self.copy_source_if_unmodified_since,
        };
        given.admit_source(&source.head, now)
    }
}

/// Why a copy did not happen: an error of the engine, which may be about source or copy, or a refusal of ours.
pub(super) enum Failure {
    Engine(Error),
    Refused(Fault),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Engine(error)
    }
}

impl Failure {
    pub(super) fn fault(self, about: About<'_>) -> Fault {
        match self {
            Failure::Engine(error) => about.fault(error),
            Failure::Refused(fault) => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_bucket_and_a_key() {
        let check = |header: &str, expected: Option<(&str, &str)>| {
            let source = Source::parse(header).ok().map(|source| (source.bucket, source.key));
            let expected = expected.map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
            assert_eq!(source, expected, "{header}");
        };
        check("bucket/key", Some(("bucket", "key")));
        check("/bucket/a/b//c", Some(("bucket", "a/b//c")));
        check("bucket%2Fkey", Some(("bucket", "key")));
        check("bucket/%E5%B9%B4%E5%BA%A6%20%E6%8A%A5%E5%91%8A%2B1.txt", Some(("bucket", "年度 报告+1.txt")));
        check("bucket/a+b", Some(("bucket", "a b")));
        check("bucket/key?versionId=null", Some(("bucket", "key")));
        for wrong in ["", "bucket", "/bucket", "bucket/", "b/%ff", "bucket/key?versionId=3", "arn:aws:s3:x:y"]
        {
            check(wrong, None);
        }
    }
}
