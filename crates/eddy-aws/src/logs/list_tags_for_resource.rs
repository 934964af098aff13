use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// The tags of a group.
#[derive(Deserialize)]
pub(super) struct ListTagsForResource {
    resource_arn: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    tags: BTreeMap<String, String>,
}

impl Operation for ListTagsForResource {
    const NAME: &'static str = "ListTagsForResource";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_arn(cx, "logs:ListTagsForResource", &self.resource_arn)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let group = target::from_arn(&self.resource_arn)?;
        let (group, pos) = cx.engines.telemetry.logs().group(&group.scope, &group.name)?;
        Ok(Reply::read(Output { tags: group.tags }, pos))
    }
}
