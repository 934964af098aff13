use eddy_base::Fault;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Removes a bucket without objects; uploads that were begun in it go with it.
#[derive(Deserialize)]
pub(super) struct DeleteBucket {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteBucket {
    const NAME: &'static str = "DeleteBucket";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:DeleteBucket", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let removed = cx.engines.objects.delete_bucket(&self.bucket).await;
        Ok(Reply::after(removed.map_err(|error| About::bucket(&self.bucket).fault(error))?))
    }
}
