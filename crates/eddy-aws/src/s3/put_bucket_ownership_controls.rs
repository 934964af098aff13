use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Makes all objects the bucket owner's, which they are; access control lists are refused.
#[derive(Deserialize)]
pub(super) struct PutBucketOwnershipControls {
    bucket: String,
    ownership_controls: Controls,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
struct Controls {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    object_ownership: String,
}

impl Operation for PutBucketOwnershipControls {
    const NAME: &'static str = "PutBucketOwnershipControls";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketOwnershipControls", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let [rule] = self.ownership_controls.rules.as_slice() else { return Err(fault::malformed_xml()) };
        match rule.object_ownership.as_str() {
            "BucketOwnerEnforced" => Ok(Reply::read((), bucket.pos)),
            other @ ("BucketOwnerPreferred" | "ObjectWriter") => {
                Err(fault::not_implemented(&format!("ObjectOwnership {other}")))
            }
            _ => Err(fault::malformed_xml()),
        }
    }
}
