use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Takes a bucket's website away: no bucket has any.
#[derive(Deserialize)]
pub(super) struct DeleteBucketWebsite {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteBucketWebsite {
    const NAME: &'static str = "DeleteBucketWebsite";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:DeleteBucketWebsite", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        Ok(Reply::read((), bucket.pos))
    }
}
