use eddy_base::Fault;
use serde::Deserialize;

use super::acl::{self, Output};
use super::fault::About;
use super::names::{self, object_arn};
use super::read::unversioned;
use crate::{Cx, Needs, Operation, Reply};

/// Says who may do what with an object: the bucket's owner, everything.
#[derive(Deserialize)]
pub(super) struct GetObjectAcl {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetObjectAcl {
    const NAME: &'static str = "GetObjectAcl";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetObjectAcl", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let seen = cx.engines.objects.head(&self.bucket, &self.key);
        let seen = seen.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        Ok(Reply::read(acl::of_owner(&bucket.owner.account), seen.pos))
    }
}
