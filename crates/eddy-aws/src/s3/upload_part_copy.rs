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
use super::source::{Failure, Wanted};
use super::sums::Values;
use super::upload::{Named, part_number};
use crate::{Cx, Needs, Operation, Reply};

/// Makes an object, or a range of one, a part of an upload.
#[derive(Deserialize)]
pub(super) struct UploadPartCopy {
    bucket: String,
    key: String,
    part_number: i64,
    upload_id: String,
    from: Wanted,
    copy_source_range: Option<String>,
    expected_bucket_owner: Option<String>,
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
    sums: Values,
}

impl Operation for UploadPartCopy {
    const NAME: &'static str = "UploadPartCopy";
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
        let named = Named::parse(&self.bucket, &self.key, &self.upload_id)?;
        let objects = &cx.engines.objects;
        objects.upload(named.name()).map_err(|error| named.about().fault(error))?;
        let copy = PartCopy {
            source_bucket: &source.bucket,
            source_key: &source.key,
            range: self.copy_source_range.as_deref().map(range::of_copy_source).transpose()?,
            upload: named.name(),
            number: part_number(self.part_number)?,
        };
        let now = cx.env().now();
        let admit = |found: &_| self.from.admit(found, now).map_err(Failure::Refused);
        let about = About {
            bucket: &source.bucket,
            key: &source.key,
            upload: &self.upload_id,
            range: self.copy_source_range.as_deref().unwrap_or_default(),
        };
        let copied = objects.copy_part(copy, admit).await.map_err(|failure| failure.fault(about))?;
        Ok(Reply::after(copied.map(|part| {
            let sums = Values::of(part.checksum.algorithm, &part.checksum.value);
            let copy_part_result =
                Copied { etag: quoted(part.etag()), last_modified: Time(whole_seconds(part.modified)), sums };
            Output { server_side_encryption: AES256, copy_part_result }
        })))
    }
}
