use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::{self, About};
use super::names::{self, bucket_arn};
use super::tags::{self, Tag};
use crate::{Cx, Needs, Operation, Reply};

/// Lists a bucket's tags; a bucket without any is an error.
#[derive(Deserialize)]
pub(super) struct GetBucketTagging {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    tag_set: Vec<Tag>,
}

impl Operation for GetBucketTagging {
    const NAME: &'static str = "GetBucketTagging";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetBucketTagging", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let tags = cx.engines.objects.bucket_tags(&self.bucket);
        let tags = tags.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        if tags.value.is_empty() {
            return Err(fault::not_configured("NoSuchTagSet", "The TagSet does not exist", &self.bucket));
        }
        Ok(Reply::read(Output { tag_set: tags::to_set(tags.value) }, tags.pos))
    }
}
