use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Fault;
use eddy_objects::BucketQuery;
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::fault::{self, About};
use super::limits::PAGE_BUCKETS;
use super::listing::{Owner, whole_seconds};
use super::names::{bucket_arn, owner_id};
use crate::{Cx, Needs, Operation, Reply};

/// Lists the account's buckets, of all regions unless one is named.
#[derive(Deserialize)]
pub(super) struct ListBuckets {
    max_buckets: Option<i64>,
    continuation_token: Option<String>,
    prefix: Option<String>,
    bucket_region: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    buckets: Vec<Listed>,
    owner: Owner,
    continuation_token: Option<String>,
    prefix: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    creation_date: Time,
    bucket_region: Option<String>,
    bucket_arn: String,
}

impl Operation for ListBuckets {
    const NAME: &'static str = "ListBuckets";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListAllMyBuckets", "*")
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let max = self.max_buckets.unwrap_or(PAGE_BUCKETS);
        if !(1..=PAGE_BUCKETS).contains(&max) {
            let text = "Argument max-buckets must be an integer between 1 and 10000";
            return Err(fault::invalid_argument(text, "max-buckets", max.to_string()));
        }
        let tells_region = self.max_buckets.is_some()
            || self.continuation_token.is_some()
            || self.prefix.is_some()
            || self.bucket_region.is_some();
        let query = BucketQuery {
            prefix: self.prefix.clone().unwrap_or_default(),
            after: self.continuation_token.as_deref().map(after).transpose()?,
            region: self.bucket_region,
            max: usize::try_from(max).unwrap_or_default(),
        };
        let seen = cx.engines.objects.buckets(cx.account(), &query).await;
        let page = seen.map_err(|error| About::default().fault(error))?;
        let pos = page.pos;
        let last = page.value.buckets.last().filter(|_| page.value.more);
        let continuation_token = last.map(|bucket| BASE64.encode(&bucket.name));
        let list = |bucket: eddy_objects::Bucket| Listed {
            bucket_arn: bucket_arn(&bucket.name),
            creation_date: Time(whole_seconds(bucket.created)),
            bucket_region: tells_region.then(|| bucket.owner.region.to_string()),
            name: bucket.name,
        };
        let output = Output {
            buckets: page.value.buckets.into_iter().map(list).collect(),
            owner: Owner { id: owner_id(cx.account()) },
            continuation_token,
            prefix: self.prefix,
        };
        Ok(Reply::read(output, pos))
    }
}

fn after(token: &str) -> Result<String, Fault> {
    let name = BASE64.decode(token).ok().and_then(|name| String::from_utf8(name).ok());
    name.ok_or_else(|| {
        fault::invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    })
}
