use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_objects::{Copy, Description, Tags, limits::UPLOAD_BYTES_MAX};
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::encryption::AES256;
use super::fault::{self, About};
use super::listing::whole_seconds;
use super::names::{self, object_arn};
use super::source::{Conditions, Failure, Source};
use super::sums::{self, Sums};
use super::{by, condition, describe, tags};
use crate::{Cx, Needs, Operation, Reply};

/// Copies an object. No bytes move.
#[derive(Deserialize)]
pub(super) struct CopyObject {
    bucket: String,
    key: String,
    copy_source: String,
    copy_source_if_match: Option<String>,
    copy_source_if_none_match: Option<String>,
    copy_source_if_modified_since: Option<Time>,
    copy_source_if_unmodified_since: Option<Time>,
    metadata_directive: Option<String>,
    server_side_encryption: Option<String>,
    storage_class: Option<String>,
    tagging_directive: Option<String>,
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_type: Option<String>,
    expires: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    tagging: Option<String>,
    checksum_algorithm: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    expected_bucket_owner: Option<String>,
    expected_source_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    copy_object_result: Copied,
    server_side_encryption: &'static str,
}

#[derive(Serialize)]
struct Copied {
    etag: String,
    last_modified: Time,
    checksum_crc32: Option<String>,
    checksum_crc32c: Option<String>,
    checksum_crc64nvme: Option<String>,
    checksum_sha1: Option<String>,
    checksum_sha256: Option<String>,
    checksum_type: Option<&'static str>,
}

const TO_ITSELF: &str = "This copy request is illegal because it is trying to copy an object to itself without \
     changing the object's metadata, storage class, website redirect location or encryption attributes.";

impl Operation for CopyObject {
    const NAME: &'static str = "CopyObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        // A source that cannot be read fails in the call, before anything is told.
        let needs = Needs::one("s3:PutObject", object_arn(&self.bucket, &self.key));
        match Source::parse(&self.copy_source) {
            Ok(source) => needs.and("s3:GetObject", object_arn(&source.bucket, &source.key)),
            Err(_) => needs,
        }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let source = Source::parse(&self.copy_source)?;
        source.open(&cx, self.expected_source_bucket_owner.as_deref())?;
        let description = self.description()?;
        let says_how = self.says_how()?;
        if description.is_none() && !says_how && source.bucket == self.bucket && source.key == self.key {
            return Err(fault::invalid_request(TO_ITSELF));
        }
        let when = condition::when(self.if_match.as_deref(), self.if_none_match.as_deref())?;
        let conditions = Conditions {
            matches: self.copy_source_if_match.clone(),
            none_match: self.copy_source_if_none_match.clone(),
            modified_since: self.copy_source_if_modified_since,
            unmodified_since: self.copy_source_if_unmodified_since,
        };
        let by = by(&cx);
        let copy = Copy {
            source_bucket: &source.bucket,
            source_key: &source.key,
            bucket: &self.bucket,
            key: &self.key,
            description,
            tags: self.tags()?,
            algorithm: self.checksum_algorithm.as_deref().map(sums::algorithm).transpose()?,
            when: when.clone(),
            by: &by,
        };
        let now = cx.env().now();
        let copied = cx.engines.objects.copy(copy, |found| {
            if found.head.size > UPLOAD_BYTES_MAX {
                return Err(Failure::Refused(too_large()));
            }
            conditions.admit(found, now).map_err(Failure::Refused)
        });
        let copied = copied.await.map_err(|failure| match failure {
            Failure::Engine(error) => {
                condition::of_write(About::object(&source.bucket, &source.key).fault(error), &when)
            }
            Failure::Refused(fault) => fault,
        })?;
        Ok(Reply::after(copied.map(|stored| {
            let sums = Sums::of(stored.checksum.as_ref(), stored.etag.parts);
            let copy_object_result = Copied {
                etag: condition::quoted(stored.etag),
                last_modified: Time(whole_seconds(stored.modified)),
                checksum_crc32: sums.crc32,
                checksum_crc32c: sums.crc32c,
                checksum_crc64nvme: sums.crc64nvme,
                checksum_sha1: sums.sha1,
                checksum_sha256: sums.sha256,
                checksum_type: sums.kind,
            };
            Output { copy_object_result, server_side_encryption: AES256 }
        })))
    }
}

impl CopyObject {
    /// What the copy is said to be; none takes the source's word.
    fn description(&self) -> Result<Option<Description>, Fault> {
        if !replaces(self.metadata_directive.as_deref(), "metadata")? {
            return Ok(None);
        }
        describe::checked(Description {
            content_type: self.content_type.clone(),
            content_encoding: self.content_encoding.clone(),
            content_language: self.content_language.clone(),
            content_disposition: self.content_disposition.clone(),
            cache_control: self.cache_control.clone(),
            expires: self.expires.clone(),
            metadata: self.metadata.clone().unwrap_or_default(),
        })
        .map(Some)
    }

    /// Whether the copy's class or encryption is chosen, which lets an object be copied to itself.
    fn says_how(&self) -> Result<bool, Fault> {
        let mut says = false;
        for (name, given, only) in [
            ("ServerSideEncryption", &self.server_side_encryption, AES256),
            ("StorageClass", &self.storage_class, "STANDARD"),
        ] {
            match given.as_deref() {
                None => {}
                Some(value) if value == only => says = true,
                Some(other) => {
                    let what = format!("The value {other} of the parameter {name}");
                    return Err(fault::not_implemented(&what));
                }
            }
        }
        Ok(says)
    }

    fn tags(&self) -> Result<Option<Tags>, Fault> {
        if !replaces(self.tagging_directive.as_deref(), "tagging")? {
            return Ok(None);
        }
        tags::of_header(self.tagging.as_deref().unwrap_or_default()).map(Some)
    }
}

/// Whether a directive says REPLACE.
fn replaces(directive: Option<&str>, of: &str) -> Result<bool, Fault> {
    match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => {
            let header = format!("x-amz-{of}-directive");
            Err(fault::invalid_argument(format!("Unknown {of} directive."), header, other))
        }
    }
}

fn too_large() -> Fault {
    fault::invalid_request(format!(
        "The specified copy source is larger than the maximum allowable size for a copy source: {UPLOAD_BYTES_MAX}"
    ))
}
