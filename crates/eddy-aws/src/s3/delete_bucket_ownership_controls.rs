use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Takes a bucket's word about ownership away. What it is then is what it always is: all objects are the bucket owner's.
#[derive(Deserialize)]
pub(super) struct DeleteBucketOwnershipControls {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteBucketOwnershipControls {
    const NAME: &'static str = "DeleteBucketOwnershipControls";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketOwnershipControls", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read((), bucket.pos))
    }
}
