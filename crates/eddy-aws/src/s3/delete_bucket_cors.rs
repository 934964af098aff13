use eddy_base::Fault;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Takes away what pages of other origins may do with a bucket.
#[derive(Deserialize)]
pub(super) struct DeleteBucketCors {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteBucketCors {
    const NAME: &'static str = "DeleteBucketCors";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketCORS", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let set = cx.engines.objects.set_origin_rules(&self.bucket, &[]).await;
        Ok(Reply::after(set.map_err(|error| About::bucket(&self.bucket).fault(error))?))
    }
}
