use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket its website: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetBucketWebsite {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketWebsite {
    const NAME: &'static str = "GetBucketWebsite";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketWebsite", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "The specified bucket does not have a website configuration";
        Err(fault::not_configured("NoSuchWebsiteConfiguration", text, &self.bucket))
    }
}
