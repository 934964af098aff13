use eddy_base::Fault;
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Removes tags from a function.
#[derive(Debug, Deserialize)]
pub(super) struct UntagResource {
    resource: FunctionName,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:UntagResource", self.resource.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let place = self.resource.unqualified(&cx)?;
        let untagged = cx.engines.functions.untag(&place.scope, &place.name, &self.tag_keys).await;
        Ok(Reply::after(untagged.map_err(about(&place))?))
    }
}
