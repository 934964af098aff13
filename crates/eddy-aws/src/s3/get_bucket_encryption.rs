use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket its encryption: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetBucketEncryption {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketEncryption {
    const NAME: &'static str = "GetBucketEncryption";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetEncryptionConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "The server side encryption configuration was not found";
        Err(fault::not_configured("ServerSideEncryptionConfigurationNotFoundError", text, &self.bucket))
    }
}
