use eddy_base::Fault;
use serde::Deserialize;

use super::acl::{self, Output};
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says who may do what with a bucket: its owner, everything.
#[derive(Deserialize)]
pub(super) struct GetBucketAcl {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetBucketAcl {
    const NAME: &'static str = "GetBucketAcl";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketAcl", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read(acl::of_owner(&bucket.owner.account), bucket.pos))
    }
}
