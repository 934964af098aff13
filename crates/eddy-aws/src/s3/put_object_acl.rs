use eddy_base::Fault;
use serde::Deserialize;

use super::fault::About;
use super::names::{self, object_arn};
use super::read::unversioned;
use crate::{Cx, Needs, Operation, Reply};

/// Makes an object private, which it is. Any other list is refused, as by buckets whose owner owns everything.
#[derive(Deserialize)]
pub(super) struct PutObjectAcl {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutObjectAcl {
    const NAME: &'static str = "PutObjectAcl";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutObjectAcl", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let seen = cx.engines.objects.head(&self.bucket, &self.key);
        let seen = seen.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        Ok(Reply::read((), seen.pos))
    }
}
