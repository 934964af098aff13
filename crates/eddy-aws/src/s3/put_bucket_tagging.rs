use eddy_base::Fault;
use http::StatusCode;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, bucket_arn};
use super::tags::Tagging;
use crate::{Cx, Needs, Operation, Reply};

/// Replaces a bucket's tags.
#[derive(Deserialize)]
pub(super) struct PutBucketTagging {
    bucket: String,
    tagging: Tagging,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutBucketTagging {
    const NAME: &'static str = "PutBucketTagging";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketTagging", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let tags = self.tagging.of_bucket()?;
        let set = cx.engines.objects.set_bucket_tags(&self.bucket, &tags).await;
        let set = set.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        Ok(Reply::after(set).status(StatusCode::NO_CONTENT))
    }
}
