use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says in which region a bucket is.
#[derive(Deserialize)]
pub(super) struct GetBucketLocation {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    /// Nothing for us-east-1, as ever.
    location_constraint: Option<String>,
}

impl Operation for GetBucketLocation {
    const NAME: &'static str = "GetBucketLocation";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketLocation", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let region = bucket.owner.region.to_string();
        let output = Output { location_constraint: Some(region).filter(|region| region != "us-east-1") };
        Ok(Reply::read(output, bucket.pos))
    }
}
