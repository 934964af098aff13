use eddy_base::Fault;
use eddy_wire::Time;
use serde::Deserialize;

use super::body;
use super::names::object_arn;
use super::read::{Output, Overrides, Read};
use crate::{Cx, Needs, Operation, Reply};

/// Sends an object, or a part of it.
#[derive(Deserialize)]
pub(super) struct GetObject {
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
    response_cache_control: Option<String>,
    response_content_disposition: Option<String>,
    response_content_encoding: Option<String>,
    response_content_language: Option<String>,
    response_content_type: Option<String>,
    response_expires: Option<Time>,
}

impl Operation for GetObject {
    const NAME: &'static str = "GetObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetObject", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let reading = Read::from(self).answer(&cx)?;
        Ok(match reading.sent {
            Some((found, range)) => reading.reply.body(body::send(&cx, &found, range)),
            None => reading.reply,
        })
    }
}

impl From<GetObject> for Read {
    fn from(get: GetObject) -> Read {
        Read {
            bucket: get.bucket,
            key: get.key,
            version_id: get.version_id,
            expected_bucket_owner: get.expected_bucket_owner,
            if_match: get.if_match,
            if_none_match: get.if_none_match,
            if_modified_since: get.if_modified_since,
            if_unmodified_since: get.if_unmodified_since,
            range: get.range,
            part_number: get.part_number,
            checksum_mode: get.checksum_mode,
            overrides: Overrides {
                cache_control: get.response_cache_control,
                content_disposition: get.response_content_disposition,
                content_encoding: get.response_content_encoding,
                content_language: get.response_content_language,
                content_type: get.response_content_type,
                expires: get.response_expires,
            },
        }
    }
}
