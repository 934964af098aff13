use eddy_base::Fault;
use eddy_wire::Time;
use serde::Deserialize;

use super::names::object_arn;
use super::read::{Output, Overrides, Read};
use crate::{Cx, Needs, Operation, Reply};

/// Says what GetObject would send.
#[derive(Deserialize)]
pub(super) struct HeadObject {
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

impl Operation for HeadObject {
    const NAME: &'static str = "HeadObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetObject", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        Ok(Read::from(self).answer(&cx)?.reply)
    }
}

impl From<HeadObject> for Read {
    fn from(head: HeadObject) -> Read {
        Read {
            bucket: head.bucket,
            key: head.key,
            version_id: head.version_id,
            expected_bucket_owner: head.expected_bucket_owner,
            if_match: head.if_match,
            if_none_match: head.if_none_match,
            if_modified_since: head.if_modified_since,
            if_unmodified_since: head.if_unmodified_since,
            range: head.range,
            part_number: head.part_number,
            checksum_mode: head.checksum_mode,
            overrides: Overrides {
                cache_control: head.response_cache_control,
                content_disposition: head.response_content_disposition,
                content_encoding: head.response_content_encoding,
                content_language: head.response_content_language,
                content_type: head.response_content_type,
                expires: head.response_expires,
            },
        }
    }
}
