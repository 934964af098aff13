use eddy_base::{Fault, Id};
use serde::Deserialize;

use super::fault::About;
use super::names::{self, bucket_arn};
use super::notification::{self, Configuration};
use crate::{Cx, Needs, Operation, Reply};

/// Replaces who hears of a bucket's events. Functions only: queues, topics and EventBridge are refused by name.
#[derive(Deserialize)]
pub(super) struct PutBucketNotificationConfiguration {
    bucket: String,
    notification_configuration: Wanted,
    expected_bucket_owner: Option<String>,
    skip_destination_validation: Option<bool>,
}

#[derive(Deserialize)]
struct Wanted {
    lambda_function_configurations: Option<Vec<Configuration>>,
}

impl Operation for PutBucketNotificationConfiguration {
    const NAME: &'static str = "PutBucketNotificationConfiguration";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutBucketNotification", bucket_arn(&self.bucket))
    }

    async fn check(&self, cx: &Cx) -> Result<(), Fault> {
        let wanted = self.notification_configuration.lambda_function_configurations.clone();
        let draw = || Id::random(cx.env().as_ref());
        notification::subscriptions(wanted.unwrap_or_default(), &cx.scope.region, draw).map(drop)
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let wanted = self.notification_configuration.lambda_function_configurations.unwrap_or_default();
        let draw = || Id::random(cx.env().as_ref());
        let wanted = notification::subscriptions(wanted, &bucket.owner.region, draw)?;
        if !self.skip_destination_validation.unwrap_or(false) {
            notification::check_destinations(&cx, &bucket, &wanted)?;
        }
        let set = cx.engines.objects.set_subscriptions(&self.bucket, &wanted).await;
        Ok(Reply::after(set.map_err(|error| About::bucket(&self.bucket).fault(error))?))
    }
}
