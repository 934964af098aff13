use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::{self, About};
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says what a bucket keeps from the public: everything, as new buckets of S3 do, unless that was taken away.
#[derive(Deserialize)]
pub(super) struct GetPublicAccessBlock {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    public_access_block_configuration: Blocked,
}

#[derive(Serialize)]
struct Blocked {
    block_public_acls: bool,
    ignore_public_acls: bool,
    block_public_policy: bool,
    restrict_public_buckets: bool,
}

impl Operation for GetPublicAccessBlock {
    const NAME: &'static str = "GetPublicAccessBlock";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketPublicAccessBlock", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let guarded = cx.engines.objects.is_guarded(&self.bucket);
        let guarded = guarded.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        if !guarded.value {
            let text = "The public access block configuration was not found";
            return Err(fault::not_configured("NoSuchPublicAccessBlockConfiguration", text, &self.bucket));
        }
        let public_access_block_configuration = Blocked {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        };
        Ok(Reply::read(Output { public_access_block_configuration }, guarded.pos))
    }
}
