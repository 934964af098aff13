use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Lists the inventories of a bucket: there are none.
#[derive(Deserialize)]
pub(super) struct ListBucketInventoryConfigurations {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    is_truncated: bool,
}

impl Operation for ListBucketInventoryConfigurations {
    const NAME: &'static str = "ListBucketInventoryConfigurations";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetInventoryConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read(Output { is_truncated: false }, bucket.pos))
    }
}
