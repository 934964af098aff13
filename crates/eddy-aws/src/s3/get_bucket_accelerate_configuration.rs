use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says whether a bucket is accelerated: none ever was.
#[derive(Deserialize)]
pub(super) struct GetBucketAccelerateConfiguration {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketAccelerateConfiguration {
    const NAME: &'static str = "GetBucketAccelerateConfiguration";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetAccelerateConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read((), bucket.pos))
    }
}
