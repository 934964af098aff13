use eddy_base::Fault;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, object_arn};
use super::read::unversioned;
use crate::{Cx, Needs, Operation, Reply};

/// Removes all of an object's tags.
#[derive(Deserialize)]
pub(super) struct DeleteObjectTagging {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteObjectTagging {
    const NAME: &'static str = "DeleteObjectTagging";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:DeleteObjectTagging", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let removed = cx.engines.objects.set_tags(&self.bucket, &self.key, &[]).await;
        Ok(Reply::after(removed.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?))
    }
}
