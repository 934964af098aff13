use eddy_base::Fault;
use serde::Deserialize;

use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says who pays for requests: the bucket's owner, and nobody else.
#[derive(Deserialize)]
pub(super) struct PutBucketRequestPayment {
    bucket: String,
    request_payment_configuration: Configuration,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
struct Configuration {
    payer: String,
}

impl Operation for PutBucketRequestPayment {
    const NAME: &'static str = "PutBucketRequestPayment";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketRequestPayment", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        match self.request_payment_configuration.payer.as_str() {
            "BucketOwner" => Ok(Reply::read((), bucket.pos)),
            "Requester" => Err(fault::not_implemented("Payer Requester")),
            _ => Err(fault::malformed_xml()),
        }
    }
}
