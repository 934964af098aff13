use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_objects::{Description, Kind, Put};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::body::{self, Purpose};
use super::encryption::AES256;
use super::fault::About;
use super::names::{self, object_arn};
use super::sums::Sums;
use super::{by, condition, describe, sums, tags};
use crate::{Cx, Needs, Operation, Reply};

/// Stores an object. The reply leaves after its bytes and its row are on disk.
#[derive(Deserialize)]
pub(super) struct PutObject {
    bucket: String,
    key: String,
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
    /// Held against the body on its way in.
    _checksum_crc32: Option<IgnoredAny>,
    _checksum_crc32c: Option<IgnoredAny>,
    _checksum_crc64nvme: Option<IgnoredAny>,
    _checksum_sha1: Option<IgnoredAny>,
    _checksum_sha256: Option<IgnoredAny>,
}

#[derive(Serialize)]
pub(super) struct Output {
    server_side_encryption: &'static str,
    etag: String,
    checksum_crc32: Option<String>,
    checksum_crc32c: Option<String>,
    checksum_crc64nvme: Option<String>,
    checksum_sha1: Option<String>,
    checksum_sha256: Option<String>,
    checksum_type: Option<&'static str>,
}

impl Operation for PutObject {
    const NAME: &'static str = "PutObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        let object = object_arn(&self.bucket, &self.key);
        let put = Needs::one("s3:PutObject", object.clone());
        if self.tagging.is_some() { put.and("s3:PutObjectTagging", object) } else { put }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let when = condition::when(self.if_match.as_deref(), self.if_none_match.as_deref())?;
        let tags = tags::of_header(self.tagging.as_deref().unwrap_or_default())?;
        let algorithm = self.checksum_algorithm.as_deref().map(sums::algorithm).transpose()?;
        let description = describe::checked(Description {
            content_type: self.content_type,
            content_encoding: self.content_encoding,
            content_language: self.content_language,
            content_disposition: self.content_disposition,
            cache_control: self.cache_control,
            expires: self.expires,
            metadata: self.metadata.unwrap_or_default(),
        })?;
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
            Output {
                server_side_encryption: AES256,
                etag: condition::quoted(stored.etag),
                checksum_crc32: sums.crc32,
                checksum_crc32c: sums.crc32c,
                checksum_crc64nvme: sums.crc64nvme,
                checksum_sha1: sums.sha1,
                checksum_sha256: sums.sha256,
                checksum_type: sums.kind,
            }
        })))
    }
}
