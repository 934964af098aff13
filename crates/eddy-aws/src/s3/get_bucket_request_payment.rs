use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says who pays for a bucket's requests: its owner.
#[derive(Deserialize)]
pub(super) struct GetBucketRequestPayment {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    payer: &'static str,
}

impl Operation for GetBucketRequestPayment {
    const NAME: &'static str = "GetBucketRequestPayment";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketRequestPayment", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read(Output { payer: "BucketOwner" }, bucket.pos))
    }
}
