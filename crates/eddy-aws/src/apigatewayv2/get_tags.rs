use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::{Named, worded};
use super::tagged::Tagged;
use crate::{Cx, Needs, Operation, Reply};

/// The tags of an API or a stage.
#[derive(Deserialize)]
pub(super) struct GetTags {
    resource_arn: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    tags: BTreeMap<String, String>,
}

impl Operation for GetTags {
    const NAME: &'static str = "GetTags";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("tags/{}", self.resource_arn))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let tagged = Tagged::read(&cx, &self.resource_arn)?;
        let named = Named { api: tagged.api, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, tagged.api);
        let (config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        let tags = tagged.tags(&config)?.iter().cloned().collect();
        Ok(Reply::read(Output { tags }, pos))
    }
}
