use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket its rules for browsers: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetBucketCors {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketCors {
    const NAME: &'static str = "GetBucketCors";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketCORS", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "The CORS configuration does not exist";
        Err(fault::not_configured("NoSuchCORSConfiguration", text, &self.bucket))
    }
}
