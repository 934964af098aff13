//! What GetObject and HeadObject have in common: everything but the bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use eddy_base::{Code, Fault, Subject};
use eddy_identity::Caller;
use eddy_objects::{Checksum, Coverage, Found};
use eddy_wire::Time;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::condition::{Answer, Given, quoted};
use super::describe::{self, UNKNOWN_TYPE};
use super::encryption::AES256;
use super::fault::{self, About};
use super::listing::whole_seconds;
use super::names::{self, object_arn};
use super::range::{self, content_range};
use super::sums::Sums;
use crate::{Cx, Needs, Reply};

/// A read as both operations ask for it.
#[derive(Deserialize)]
pub(super) struct Read {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<Time>,
    if_unmodified_since: Option<Time>,
    range: Option<String>,
    part_number: Option<i64>,
    checksum_mode: Option<String>,
    /// Headers of the answer that the request wants otherwise.
    response_cache_control: Option<String>,
    response_content_disposition: Option<String>,
    response_content_encoding: Option<String>,
    response_content_language: Option<String>,
    response_content_type: Option<String>,
    response_expires: Option<Time>,
}

/// The answer's members; those of HeadObject and of GetObject are the same.
#[derive(Serialize)]
pub(super) struct Output {
    accept_ranges: Option<&'static str>,
    last_modified: Time,
    content_length: Option<u64>,
    etag: String,
    sums: Sums,
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_range: Option<String>,
    content_type: Option<String>,
    expires: Option<String>,
    metadata: BTreeMap<String, String>,
    parts_count: Option<u32>,
    tag_count: Option<usize>,
    server_side_encryption: Option<&'static str>,
}

/// What is to be answered.
pub(super) struct Reading {
    pub reply: Reply<Output>,
    /// The object and the bytes to be sent; none when the client has them.
    pub sent: Option<(Found, Range<u64>)>,
}

/// Which bytes, and of what.
struct Extent {
    range: Range<u64>,
    status: StatusCode,
    content_range: Option<String>,
    parts_count: Option<u32>,
    checksum: Sums,
}

impl Read {
    pub(super) fn needs(&self) -> Needs {
        Needs::one("s3:GetObject", object_arn(&self.bucket, &self.key))
    }

    /// # Errors
    /// No such bucket or object, a condition, a range.
    pub(super) fn answer(self, cx: &Cx) -> Result<Reading, Fault> {
        names::open(cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        if cx.caller == Caller::Anonymous && self.has_overrides() {
            let text = "Request specific response headers cannot be used for anonymous GET requests.";
            return Err(fault::invalid_request(text));
        }
        self.check_overrides()?;
        let seen = cx.engines.objects.get(&self.bucket, &self.key);
        let seen = seen.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        let (found, pos) = (seen.value, seen.pos);
        let given = Given {
            matches: self.if_match.as_deref(),
            none_match: self.if_none_match.as_deref(),
            modified_since: self.if_modified_since,
            unmodified_since: self.if_unmodified_since,
        };
        if given.admit(&found.object.head, cx.env().now())? == Answer::Unchanged {
            let reply = Reply::read(self.unchanged(&found), pos).status(StatusCode::NOT_MODIFIED);
            return Ok(Reading { reply, sent: None });
        }
        let extent = self.extent(&found)?;
        let (range, status) = (extent.range.clone(), extent.status);
        let reply = Reply::read(self.output(&found, extent), pos).status(status);
        Ok(Reading { reply, sent: Some((found, range)) })
    }

    /// # Errors
    /// A text that no header can hold.
    fn check_overrides(&self) -> Result<(), Fault> {
        for (name, given) in [
            ("response-cache-control", &self.response_cache_control),
            ("response-content-disposition", &self.response_content_disposition),
            ("response-content-encoding", &self.response_content_encoding),
            ("response-content-language", &self.response_content_language),
            ("response-content-type", &self.response_content_type),
        ] {
            let fits = |letter: char| u32::from(letter) <= 0xff && (letter == '\t' || !letter.is_control());
            if let Some(value) = given.as_deref().filter(|value| !value.chars().all(fits)) {
                let text = "Header value cannot be represented using ISO-8859-1.";
                return Err(fault::invalid_argument(text, name, value));
            }
        }
        Ok(())
    }

    fn has_overrides(&self) -> bool {
        self.response_cache_control.is_some()
            || self.response_content_disposition.is_some()
            || self.response_content_encoding.is_some()
            || self.response_content_language.is_some()
            || self.response_content_type.is_some()
            || self.response_expires.is_some()
    }

    fn extent(&self, found: &Found) -> Result<Extent, Fault> {
        let head = &found.object.head;
        let wants_sums =
            self.checksum_mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("enabled"));
        match (self.part_number, &self.range) {
            (Some(_), Some(_)) => {
                Err(fault::invalid_request("Cannot specify both Range header and partNumber query parameter"))
            }
            (Some(number), None) => part(found, number, wants_sums),
            (None, header) => {
                let range = range::wanted(header.as_deref(), head.size)?;
                let kept = head.checksum.as_ref().filter(|_| wants_sums && range.is_none());
                Ok(Extent {
                    status: if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK },
                    content_range: range.as_ref().map(|range| content_range(range, head.size)),
                    range: range.unwrap_or(0..head.size),
                    parts_count: None,
                    checksum: Sums::of(kept, head.parts),
                })
            }
        }
    }

    fn output(self, found: &Found, extent: Extent) -> Output {
        let head = &found.object.head;
        let said = head.description.clone();
        let tag_count = found.object.tags.len();
        Output {
            accept_ranges: Some("bytes"),
            last_modified: Time(whole_seconds(head.modified)),
            content_length: Some(extent.range.end - extent.range.start),
            etag: quoted(head.etag),
            sums: extent.checksum,
            cache_control: self.response_cache_control.or(said.cache_control),
            content_disposition: self.response_content_disposition.or(said.content_disposition),
            content_encoding: self.response_content_encoding.or(said.content_encoding),
            content_language: self.response_content_language.or(said.content_language),
            content_range: extent.content_range,
            content_type: Some(
                self.response_content_type.or(said.content_type).unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
            ),
            expires: self.response_expires.map(http_date).or(said.expires),
            metadata: describe::told(said.metadata),
            parts_count: extent.parts_count,
            tag_count: Some(tag_count).filter(|count| *count > 0),
            server_side_encryption: Some(AES256),
        }
    }

    /// What a client that has the object gets to hear.
    fn unchanged(&self, found: &Found) -> Output {
        let head = &found.object.head;
        Output {
            accept_ranges: None,
            last_modified: Time(whole_seconds(head.modified)),
            content_length: None,
            etag: quoted(head.etag),
            sums: Sums::default(),
            cache_control: head.description.cache_control.clone(),
            content_disposition: None,
            content_encoding: None,
            content_language: None,
            content_range: None,
            content_type: None,
            expires: head.description.expires.clone(),
            metadata: BTreeMap::new(),
            parts_count: None,
            tag_count: None,
            server_side_encryption: None,
        }
    }
}

/// One part of an object, as it was uploaded; an object that came in one piece is its own first part.
fn part(found: &Found, number: i64, wants_sums: bool) -> Result<Extent, Fault> {
    let head = &found.object.head;
    if !(1..=10_000).contains(&number) {
        let text = "Part number must be an integer between 1 and 10000, inclusive";
        return Err(fault::invalid_argument(text, "partNumber", number.to_string()));
    }
    let parts = found.parts();
    let whole = parts.is_empty() && number == 1;
    if whole && head.size == 0 {
        return Ok(Extent {
            range: 0..0,
            status: StatusCode::OK,
            content_range: None,
            parts_count: None,
            checksum: Sums::of(head.checksum.as_ref().filter(|_| wants_sums), None),
        });
    }
    let (range, sums) = if whole {
        (0..head.size, Sums::of(head.checksum.as_ref().filter(|_| wants_sums), None))
    } else {
        let at = parts.iter().position(|part| i64::from(part.number) == number);
        let at = at.ok_or_else(|| no_such_part(number, parts.len()))?;
        let start: u64 = parts[..at].iter().map(|part| part.size).sum();
        let checksum = head.checksum.as_ref().filter(|_| wants_sums).map(|whole| Checksum {
            algorithm: whole.algorithm,
            coverage: Coverage::Whole,
            value: parts[at].checksum.clone(),
        });
        let kind =
            head.checksum.as_ref().filter(|_| wants_sums).map(|whole| super::sums::kind(whole.coverage));
        (start..start + parts[at].size, Sums { checksum_type: kind, ..Sums::of(checksum.as_ref(), None) })
    };
    Ok(Extent {
        status: StatusCode::PARTIAL_CONTENT,
        content_range: Some(content_range(&range, head.size)),
        range,
        parts_count: head.parts,
        checksum: sums,
    })
}

fn no_such_part(number: i64, parts: usize) -> Fault {
    let text = "The requested partnumber is not satisfiable";
    fault::named(Code::Invalid, Subject::Range, "InvalidPartNumber", text)
        .with("PartNumberRequested", number.to_string())
        .with("ActualPartCount", parts.max(1).to_string())
}

/// A version that a request names: buckets keep none, so only `null` is there.
///
/// # Errors
/// Any other.
pub(super) fn unversioned(version: Option<&str>) -> Result<(), Fault> {
    match version {
        None | Some("null") => Ok(()),
        Some(other) => Err(fault::invalid_argument("Invalid version id specified", "versionId", other)),
    }
}

fn http_date(time: Time) -> String {
    time.0.civil().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
