use eddy_base::Fault;
use eddy_objects::{Answer, When};
use serde::Deserialize;

use super::by;
use super::condition::{of_write, when_matches};
use super::fault::About;
use super::names::{self, object_arn};
use super::read::unversioned;
use crate::{Cx, Needs, Operation, Reply};

/// Removes an object. That there is none is a success.
#[derive(Deserialize)]
pub(super) struct DeleteObject {
    bucket: String,
    key: String,
    version_id: Option<String>,
    if_match: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteObject {
    const NAME: &'static str = "DeleteObject";
    type Output = ();

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:DeleteObject", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        let when = self.if_match.as_deref().map_or(When::Always, when_matches);
        let removed = cx.engines.objects.delete(&self.bucket, &self.key, &when, &by(&cx)).await;
        let about = About::object(&self.bucket, &self.key);
        match removed.map_err(|error| of_write(about.fault(error), &when))? {
            Answer::Changed(removed) => Ok(Reply::after(removed)),
            Answer::Unchanged((), pos) => Ok(Reply::read((), pos)),
        }
    }
}
