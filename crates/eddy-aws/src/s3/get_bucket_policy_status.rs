use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket whether its policy makes it public: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetBucketPolicyStatus {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketPolicyStatus {
    const NAME: &'static str = "GetBucketPolicyStatus";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketPolicyStatus", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "The bucket policy does not exist";
        Err(fault::not_configured("NoSuchBucketPolicy", text, &self.bucket))
    }
}
