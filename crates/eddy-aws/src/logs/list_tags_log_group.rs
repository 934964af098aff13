use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// The tags of a group. The older form of ListTagsForResource.
#[derive(Deserialize)]
pub(super) struct ListTagsLogGroup {
    log_group_name: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    tags: BTreeMap<String, String>,
}

impl Operation for ListTagsLogGroup {
    const NAME: &'static str = "ListTagsLogGroup";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:ListTagsLogGroup", Some(&self.log_group_name), None)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let (group, pos) = cx.engines.telemetry.logs().group(&cx.scope, &self.log_group_name)?;
        Ok(Reply::read(Output { tags: group.tags }, pos))
    }
}
