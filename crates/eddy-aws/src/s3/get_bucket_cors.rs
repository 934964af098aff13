use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::cors::Rule;
use super::fault::{self, About};
use super::names::{self, bucket_arn};
use crate::{Cx, Needs, Operation, Reply};

/// Says what pages of other origins may do with a bucket.
#[derive(Deserialize)]
pub(super) struct GetBucketCors {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    cors_rules: Vec<Rule>,
}

impl Operation for GetBucketCors {
    const NAME: &'static str = "GetBucketCors";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketCORS", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let rules = cx.engines.objects.origin_rules(&self.bucket);
        let rules = rules.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        if rules.value.is_empty() {
            let text = "The CORS configuration does not exist";
            return Err(fault::not_configured("NoSuchCORSConfiguration", text, &self.bucket));
        }
        let output = Output { cors_rules: rules.value.into_iter().map(Rule::of).collect() };
        Ok(Reply::read(output, rules.pos))
    }
}
