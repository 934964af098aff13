use eddy_base::Fault;
use serde::Deserialize;

use super::names::{self, object_arn};
use super::upload::Named;
use crate::{Cx, Needs, Operation, Reply};

/// Ends an upload without an object.
#[derive(Deserialize)]
pub(super) struct AbortMultipartUpload {
    bucket: String,
    key: String,
    upload_id: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for AbortMultipartUpload {
    const NAME: &'static str = "AbortMultipartUpload";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:AbortMultipartUpload", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let named = Named::parse(&self.bucket, &self.key, &self.upload_id)?;
        let name = named.name();
        let aborted = cx.engines.objects.abort_upload(name.bucket, name.key, name.id).await;
        Ok(Reply::after(aborted.map_err(|error| named.about().fault(error))?))
    }
}
