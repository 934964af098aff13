use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says of a bucket when its objects end: no bucket has any.
#[derive(Deserialize)]
pub(super) struct GetBucketLifecycleConfiguration {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketLifecycleConfiguration {
    const NAME: &'static str = "GetBucketLifecycleConfiguration";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetLifecycleConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let text = "The lifecycle configuration does not exist";
        Err(fault::not_configured("NoSuchLifecycleConfiguration", text, &self.bucket))
    }
}
