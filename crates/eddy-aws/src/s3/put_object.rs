use eddy_base::Fault;
use eddy_objects::{Kind, Put};
use serde::{Deserialize, Serialize};

use super::body::{self, Purpose};
use super::describe::Said;
use super::encryption::AES256;
use super::fault::About;
use super::names::{self, object_arn};
use super::sums::{Sums, Values};
use super::{by, condition, sums};
use crate::{Cx, Needs, Operation, Reply};

/// Stores an object. The reply leaves after its bytes and its row are on disk.
#[derive(Deserialize)]
pub(super) struct PutObject {
    bucket: String,
    key: String,
    said: Said,
    checksum_algorithm: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    expected_bucket_owner: Option<String>,
    /// Held against the body on its way in.
    _sums: Values,
}

#[derive(Serialize)]
pub(super) struct Output {
    server_side_encryption: &'static str,
    etag: String,
    sums: Sums,
}

impl Operation for PutObject {
    const NAME: &'static str = "PutObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        let object = object_arn(&self.bucket, &self.key);
        let put = Needs::one("s3:PutObject", object.clone());
        if self.said.has_tags() { put.and("s3:PutObjectTagging", object) } else { put }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let when = condition::when(self.if_match.as_deref(), self.if_none_match.as_deref())?;
        let tags = self.said.tags()?;
        let algorithm = self.checksum_algorithm.as_deref().map(sums::algorithm).transpose()?;
        let description = self.said.description()?;
        let content = body::receive(&cx, body::sized(&cx)?, algorithm, Purpose::Object).await?;
        let by = by(&cx);
        let put = Put {
            bucket: &self.bucket,
            key: &self.key,
            description,
            tags,
            when: when.clone(),
            kind: Kind::CreatedPut,
            by: &by,
        };
        let stored = cx.engines.objects.put(put, content).await.map_err(|error| {
            condition::of_write(About::object(&self.bucket, &self.key).fault(error), &when)
        })?;
        Ok(Reply::after(stored.map(|stored| {
            let sums = Sums::of(stored.checksum.as_ref(), None);
            Output { server_side_encryption: AES256, etag: condition::quoted(stored.etag), sums }
        })))
    }
}
