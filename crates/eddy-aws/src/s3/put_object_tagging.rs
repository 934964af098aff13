use eddy_base::Fault;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, object_arn};
use super::read::unversioned;
use super::tags::Tagging;
use crate::{Cx, Needs, Operation, Reply};

/// Replaces an object's tags.
#[derive(Deserialize)]
pub(super) struct PutObjectTagging {
    bucket: String,
    key: String,
    version_id: Option<String>,
    tagging: Tagging,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutObjectTagging {
    const NAME: &'static str = "PutObjectTagging";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutObjectTagging", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let tags = self.tagging.of_object()?;
        let set = cx.engines.objects.set_tags(&self.bucket, &self.key, &tags).await;
        Ok(Reply::after(set.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?))
    }
}
