use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::About;
use super::names::{self, bucket_arn};
use super::notification::{self, Configuration};
use crate::{Cx, Needs, Operation, Reply};

/// Says who hears of a bucket's events.
#[derive(Deserialize)]
pub(super) struct GetBucketNotificationConfiguration {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    lambda_function_configurations: Vec<Configuration>,
}

impl Operation for GetBucketNotificationConfiguration {
    const NAME: &'static str = "GetBucketNotificationConfiguration";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketNotification", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let seen = cx.engines.objects.subscriptions(&self.bucket);
        let seen = seen.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        let lambda_function_configurations = notification::configurations(seen.value);
        Ok(Reply::read(Output { lambda_function_configurations }, seen.pos))
    }
}
