use eddy_base::Fault;
use eddy_objects::NewUpload;
use serde::{Deserialize, Serialize};

use super::describe::Said;
use super::encryption::AES256;
use super::fault::About;
use super::names::{self, object_arn};
use super::{by, sums, upload};
use crate::{Cx, Needs, Operation, Reply};

/// Begins an upload in parts.
#[derive(Deserialize)]
pub(super) struct CreateMultipartUpload {
    bucket: String,
    key: String,
    said: Said,
    checksum_algorithm: Option<String>,
    checksum_type: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    server_side_encryption: &'static str,
    bucket: String,
    key: String,
    upload_id: String,
    checksum_algorithm: Option<&'static str>,
    checksum_type: Option<&'static str>,
}

impl Operation for CreateMultipartUpload {
    const NAME: &'static str = "CreateMultipartUpload";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        let object = object_arn(&self.bucket, &self.key);
        let put = Needs::one("s3:PutObject", object.clone());
        if self.said.has_tags() { put.and("s3:PutObjectTagging", object) } else { put }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let checksum = upload::checksum(self.checksum_algorithm.as_deref(), self.checksum_type.as_deref())?;
        let by = by(&cx);
        let new = NewUpload {
            bucket: &self.bucket,
            key: &self.key,
            tags: self.said.tags()?,
            description: self.said.description()?,
            checksum,
            by: &by,
        };
        let begun = cx.engines.objects.create_upload(new).await;
        let begun = begun.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        Ok(Reply::after(begun.map(|id| Output {
            server_side_encryption: AES256,
            bucket: self.bucket,
            key: self.key,
            upload_id: id.to_string(),
            checksum_algorithm: checksum.map(|(algorithm, _)| sums::name(algorithm)),
            checksum_type: checksum.map(|(_, coverage)| sums::kind(coverage)),
        })))
    }
}
