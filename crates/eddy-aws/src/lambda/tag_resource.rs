use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::Deserialize;

use super::fault::about;
use super::input;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Adds tags to a function, and replaces those with the same keys.
#[derive(Debug, Deserialize)]
pub(super) struct TagResource {
    resource: FunctionName,
    tags: BTreeMap<String, String>,
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:TagResource", self.resource.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let place = self.resource.unqualified(&cx)?;
        let tags = input::tags(self.tags)?;
        let tagged = cx.engines.functions.tag(&place.scope, &place.name, &tags).await;
        Ok(Reply::after(tagged.map_err(about(&place))?))
    }
}
