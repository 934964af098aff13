use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::About;
use super::names::{self, object_arn};
use super::read::unversioned;
use super::tags::{self, Tag};
use crate::{Cx, Needs, Operation, Reply};

/// Lists an object's tags; it may have none.
#[derive(Deserialize)]
pub(super) struct GetObjectTagging {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    tag_set: Vec<Tag>,
}

impl Operation for GetObjectTagging {
    const NAME: &'static str = "GetObjectTagging";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetObjectTagging", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let tags = cx.engines.objects.tags(&self.bucket, &self.key);
        let tags = tags.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        Ok(Reply::read(Output { tag_set: tags::to_set(tags.value) }, tags.pos))
    }
}
