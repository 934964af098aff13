use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket what it keeps from the public: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetPublicAccessBlock {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetPublicAccessBlock {
    const NAME: &'static str = "GetPublicAccessBlock";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketPublicAccessBlock", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "The public access block configuration was not found";
        Err(fault::not_configured("NoSuchPublicAccessBlockConfiguration", text, &self.bucket))
    }
}
