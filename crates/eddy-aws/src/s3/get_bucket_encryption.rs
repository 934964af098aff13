use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::encryption::Configuration;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says how a bucket's objects are encrypted: as all are.
#[derive(Deserialize)]
pub(super) struct GetBucketEncryption {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    server_side_encryption_configuration: Configuration,
}

impl Operation for GetBucketEncryption {
    const NAME: &'static str = "GetBucketEncryption";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetEncryptionConfiguration", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let configuration = Configuration::of_every_bucket();
        Ok(Reply::read(Output { server_side_encryption_configuration: configuration }, bucket.pos))
    }
}
