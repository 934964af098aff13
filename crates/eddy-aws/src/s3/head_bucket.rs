use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says whether a bucket is there and where.
#[derive(Deserialize)]
pub(super) struct HeadBucket {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    bucket_region: String,
    bucket_arn: String,
    access_point_alias: bool,
}

impl Operation for HeadBucket {
    const NAME: &'static str = "HeadBucket";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListBucket", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let output = Output {
            bucket_region: bucket.owner.region.to_string(),
            bucket_arn: bucket_arn(&bucket.name),
            access_point_alias: false,
        };
        Ok(Reply::read(output, bucket.pos))
    }
}
