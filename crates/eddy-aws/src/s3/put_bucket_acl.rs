use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Makes a bucket private, which it is. Any other list is refused, as by buckets whose owner owns everything.
#[derive(Deserialize)]
pub(super) struct PutBucketAcl {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutBucketAcl {
    const NAME: &'static str = "PutBucketAcl";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketAcl", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read((), bucket.pos))
    }
}
