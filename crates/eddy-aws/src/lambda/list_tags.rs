use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// The tags of a function.
#[derive(Debug, Deserialize)]
pub(super) struct ListTags {
    resource: FunctionName,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    tags: BTreeMap<String, String>,
}

impl Operation for ListTags {
    const NAME: &'static str = "ListTags";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:ListTags", self.resource.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.resource.unqualified(&cx)?;
        let (tags, pos) = cx.engines.functions.tags(&place.scope, &place.name).map_err(about(&place))?;
        Ok(Reply::read(Output { tags: tags.all }, pos))
    }
}
