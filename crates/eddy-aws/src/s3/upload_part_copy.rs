use eddy_base::Fault;
use eddy_objects::PartCopy;
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::condition::quoted;
use super::encryption::AES256;
use super::fault::About;
use super::listing::whole_seconds;
use super::names::{self, object_arn};
use super::range;
use super::source::{Conditions, Failure, Source};
use super::sums::Sums;
use super::upload::{Named, part_number};
use crate::{Cx, Needs, Operation, Reply};

/// Makes an object, or a range of one, a part of an upload.
#[derive(Deserialize)]
pub(super) struct UploadPartCopy {
    bucket: String,
    key: String,
    part_number: i64,
    upload_id: String,
    copy_source: String,
    copy_source_range: Option<String>,
    copy_source_if_match: Option<String>,
    copy_source_if_none_match: Option<String>,
    copy_source_if_modified_since: Option<Time>,
    copy_source_if_unmodified_since: Option<Time>,
    expected_bucket_owner: Option<String>,
    expected_source_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    server_side_encryption: &'static str,
    copy_part_result: Copied,
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
}

impl Operation for UploadPartCopy {
    const NAME: &'static str = "UploadPartCopy";
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
        let named = Named::parse(&self.bucket, &self.key, &self.upload_id)?;
        let objects = &cx.engines.objects;
        objects.upload(named.name()).map_err(|error| named.about().fault(error))?;
        let conditions = Conditions {
            matches: self.copy_source_if_match.clone(),
            none_match: self.copy_source_if_none_match.clone(),
            modified_since: self.copy_source_if_modified_since,
            unmodified_since: self.copy_source_if_unmodified_since,
        };
        let copy = PartCopy {
            source_bucket: &source.bucket,
            source_key: &source.key,
            range: self.copy_source_range.as_deref().map(range::of_copy_source).transpose()?,
            upload: named.name(),
            number: part_number(self.part_number)?,
        };
        let now = cx.env().now();
        let admit = |found: &_| conditions.admit(found, now).map_err(Failure::Refused);
        let about = About {
            bucket: &source.bucket,
            key: &source.key,
            upload: &self.upload_id,
            range: self.copy_source_range.as_deref().unwrap_or_default(),
        };
        let copied = objects.copy_part(copy, admit).await.map_err(|failure| failure.fault(about))?;
        Ok(Reply::after(copied.map(|part| {
            let sums = Sums::of_value(part.checksum.algorithm, &part.checksum.value);
            let copy_part_result = Copied {
                etag: quoted(part.etag()),
                last_modified: Time(whole_seconds(part.modified)),
                checksum_crc32: sums.crc32,
                checksum_crc32c: sums.crc32c,
                checksum_crc64nvme: sums.crc64nvme,
                checksum_sha1: sums.sha1,
                checksum_sha256: sums.sha256,
            };
            Output { server_side_encryption: AES256, copy_part_result }
        })))
    }
}
