use eddy_base::Fault;
use eddy_objects::{Copy, Description, Tags, limits::UPLOAD_BYTES_MAX};
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::describe::Said;
use super::encryption::AES256;
use super::fault::{self, About};
use super::listing::whole_seconds;
use super::names::{self, object_arn};
use super::source::{Failure, Wanted};
use super::sums::{self, Sums};
use super::{by, condition};
use crate::{Cx, Needs, Operation, Reply};

/// Copies an object. No bytes move.
#[derive(Deserialize)]
pub(super) struct CopyObject {
    bucket: String,
    key: String,
    from: Wanted,
    metadata_directive: Option<String>,
    server_side_encryption: Option<String>,
    storage_class: Option<String>,
    tagging_directive: Option<String>,
    said: Said,
    checksum_algorithm: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    expected_bucket_owner: Option<String>,
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
    sums: Sums,
}

const TO_ITSELF: &str = "This copy request is illegal because it is trying to copy an object to itself without \
     changing the object's metadata, storage class, website redirect location or encryption attributes.";

impl Operation for CopyObject {
    const NAME: &'static str = "CopyObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        // A source that cannot be read fails in the call, before anything is told.
        let needs = Needs::one("s3:PutObject", object_arn(&self.bucket, &self.key));
        match self.from.source() {
            Ok(source) => needs.and("s3:GetObject", object_arn(&source.bucket, &source.key)),
            Err(_) => needs,
        }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let source = self.from.open(&cx)?;
        let description = self.description()?;
        let says_how = self.says_how()?;
        if description.is_none() && !says_how && source.bucket == self.bucket && source.key == self.key {
            return Err(fault::invalid_request(TO_ITSELF));
        }
        let when = condition::when(self.if_match.as_deref(), self.if_none_match.as_deref())?;
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
            self.from.admit(found, now).map_err(Failure::Refused)
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
                sums,
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
        self.said.description().map(Some)
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
        self.said.tags().map(Some)
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
