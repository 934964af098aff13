use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::tagged::Tagged;
use crate::{Cx, Needs, Operation, Reply};

/// Takes tags off an API or a stage. Keys that are not there are no error.
#[derive(Deserialize)]
pub(super) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::DELETE, format_args!("tags/{}", self.resource_arn))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let tagged = Tagged::read(&cx, &self.resource_arn)?;
        let named = Named { api: tagged.api, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, tagged.api, |edit| {
            let mut left = tagged.tags(edit.config())?.clone();
            left.retain(|(key, _)| !self.tag_keys.contains(key));
            tagged.set(edit, left)
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| ())))
    }
}
