use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{self, About};
use super::names::{self, object_arn};
use super::read::unversioned;
use crate::{Cx, Needs, Operation, Reply};

/// Says how long an object is retained: no bucket has locks.
#[derive(Deserialize)]
pub(super) struct GetObjectRetention {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetObjectRetention {
    const NAME: &'static str = "GetObjectRetention";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:GetObjectRetention", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let seen = cx.engines.objects.head(&self.bucket, &self.key);
        seen.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        Err(fault::without_lock())
    }
}
