use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says whether a bucket's tags decide who may do what in it: they do not.
#[derive(Deserialize)]
pub(super) struct GetBucketAbac {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    abac_status: AbacStatus,
}

#[derive(Serialize)]
struct AbacStatus {
    status: &'static str,
}

impl Operation for GetBucketAbac {
    const NAME: &'static str = "GetBucketAbac";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketAbac", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read(Output { abac_status: AbacStatus { status: "Disabled" } }, bucket.pos))
    }
}
