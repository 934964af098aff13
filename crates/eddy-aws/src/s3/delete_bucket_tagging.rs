use eddy_base::Fault;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Removes all of a bucket's tags.
#[derive(Deserialize)]
pub(super) struct DeleteBucketTagging {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteBucketTagging {
    const NAME: &'static str = "DeleteBucketTagging";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketTagging", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let removed = cx.engines.objects.set_bucket_tags(&self.bucket, &[]).await;
        Ok(Reply::after(removed.map_err(|error| About::bucket(&self.bucket).fault(error))?))
    }
}
