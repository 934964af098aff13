use eddy_base::Fault;
use eddy_objects::Answer;
use serde::Deserialize;

use super::fault::{self, About};
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Keeps the public away, which is what every bucket does; anything less is refused.
#[derive(Deserialize)]
pub(super) struct PutPublicAccessBlock {
    bucket: String,
    public_access_block_configuration: Wanted,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
struct Wanted {
    block_public_acls: Option<bool>,
    ignore_public_acls: Option<bool>,
    block_public_policy: Option<bool>,
    restrict_public_buckets: Option<bool>,
}

impl Operation for PutPublicAccessBlock {
    const NAME: &'static str = "PutPublicAccessBlock";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketPublicAccessBlock", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let wanted = self.public_access_block_configuration;
        for (name, value) in [
            ("BlockPublicAcls", wanted.block_public_acls),
            ("IgnorePublicAcls", wanted.ignore_public_acls),
            ("BlockPublicPolicy", wanted.block_public_policy),
            ("RestrictPublicBuckets", wanted.restrict_public_buckets),
        ] {
            if value != Some(true) {
                return Err(fault::not_implemented(&format!("{name} that is not true")));
            }
        }
        let set = cx.engines.objects.set_guarded(&self.bucket, true).await;
        match set.map_err(|error| About::bucket(&self.bucket).fault(error))? {
            Answer::Changed(done) => Ok(Reply::after(done)),
            Answer::Unchanged((), pos) => Ok(Reply::read((), pos)),
        }
    }
}
