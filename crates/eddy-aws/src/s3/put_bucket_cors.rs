use eddy_base::Fault;
use serde::Deserialize;

use super::cors::{self, Rule};
use super::fault::About;
use super::limits::CORS_BYTES_MAX;
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Replaces what pages of other origins may do with a bucket.
#[derive(Deserialize)]
pub(super) struct PutBucketCors {
    bucket: String,
    cors_configuration: Configuration,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
struct Configuration {
    cors_rules: Vec<Rule>,
}

impl Operation for PutBucketCors {
    const NAME: &'static str = "PutBucketCors";
    const BODY_BYTES_MAX: u64 = CORS_BYTES_MAX;
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketCORS", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let rules = cors::checked(self.cors_configuration.cors_rules)?;
        let set = cx.engines.objects.set_origin_rules(&self.bucket, &rules).await;
        Ok(Reply::after(set.map_err(|error| About::bucket(&self.bucket).fault(error))?))
    }
}
