use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Lists what analyses a bucket: nothing does.
#[derive(Deserialize)]
pub(super) struct ListBucketAnalyticsConfigurations {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    is_truncated: bool,
}

impl Operation for ListBucketAnalyticsConfigurations {
    const NAME: &'static str = "ListBucketAnalyticsConfigurations";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetAnalyticsConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read(Output { is_truncated: false }, bucket.pos))
    }
}
