use eddy_base::Fault;
use eddy_objects::Answer;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Takes the block away. What it kept out needs policies or access control lists, which no bucket has.
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
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let set = cx.engines.objects.set_guarded(&self.bucket, false).await;
        match set.map_err(|error| About::bucket(&self.bucket).fault(error))? {
            Answer::Changed(done) => Ok(Reply::after(done)),
            Answer::Unchanged((), pos) => Ok(Reply::read((), pos)),
        }
    }
}
