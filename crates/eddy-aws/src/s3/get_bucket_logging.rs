use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says where a bucket's requests are logged: nowhere.
#[derive(Deserialize)]
pub(super) struct GetBucketLogging {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketLogging {
    const NAME: &'static str = "GetBucketLogging";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketLogging", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read((), bucket.pos))
    }
}
