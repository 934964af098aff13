use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says who owns what is put into a bucket: the bucket's owner, and no access control list changes that.
#[derive(Deserialize)]
pub(super) struct GetBucketOwnershipControls {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    ownership_controls: Controls,
}

#[derive(Serialize)]
struct Controls {
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    object_ownership: &'static str,
}

impl Operation for GetBucketOwnershipControls {
    const NAME: &'static str = "GetBucketOwnershipControls";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketOwnershipControls", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let rules = vec![Rule { object_ownership: "BucketOwnerEnforced" }];
        Ok(Reply::read(Output { ownership_controls: Controls { rules } }, bucket.pos))
    }
}
