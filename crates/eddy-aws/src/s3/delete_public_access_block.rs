use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Allows what nothing here can do: no bucket is ever public, with this block or without it.
#[derive(Deserialize)]
pub(super) struct DeletePublicAccessBlock {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeletePublicAccessBlock {
    const NAME: &'static str = "DeletePublicAccessBlock";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketPublicAccessBlock", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read((), bucket.pos))
    }
}
