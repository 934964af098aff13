use eddy_base::Fault;
use serde::Deserialize;

use super::encryption::Configuration;
use super::fault;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Asks for an encryption of a bucket's objects. The one that all have anyway is granted; others are refused by name.
#[derive(Deserialize)]
pub(super) struct PutBucketEncryption {
    bucket: String,
    server_side_encryption_configuration: Configuration,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutBucketEncryption {
    const NAME: &'static str = "PutBucketEncryption";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutEncryptionConfiguration", bucket_arn(&self.bucket))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        match self.server_side_encryption_configuration.beyond() {
            Some(beyond) => Err(fault::not_implemented(&format!("Encryption with {beyond}"))),
            None => Ok(()),
        }
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        self.check(&cx).await?;
        Ok(Reply::read((), bucket.pos))
    }
}
