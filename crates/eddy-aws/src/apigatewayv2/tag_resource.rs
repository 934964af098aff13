use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::{Named, worded};
use super::input;
use super::tagged::Tagged;
use crate::{Cx, Needs, Operation, Reply};

/// Puts tags on an API or a stage, over those there are.
#[derive(Deserialize)]
pub(super) struct TagResource {
    resource_arn: String,
    tags: Option<BTreeMap<String, String>>,
}

/// Nothing is to be told.
#[derive(Serialize)]
pub(super) struct Output {}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::POST, format_args!("tags/{}", self.resource_arn))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let tagged = Tagged::read(&cx, &self.resource_arn)?;
        let new = self.tags.unwrap_or_default();
        let named = Named { api: tagged.api, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, tagged.api, |edit| {
            let mut all: BTreeMap<String, String> = tagged.tags(edit.config())?.iter().cloned().collect();
            all.extend(new.clone());
            tagged.set(edit, input::tags(Some(all))?)
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| Output {})))
    }
}
