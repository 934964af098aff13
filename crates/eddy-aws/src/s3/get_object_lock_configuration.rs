use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket how its objects are locked: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetObjectLockConfiguration {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetObjectLockConfiguration {
    const NAME: &'static str = "GetObjectLockConfiguration";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketObjectLockConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "Object Lock configuration does not exist for this bucket";
        Err(fault::not_configured("ObjectLockConfigurationNotFoundError", text, &self.bucket))
    }
}
