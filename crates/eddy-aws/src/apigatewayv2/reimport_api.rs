use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::import_api::basepath;
use super::openapi::Definition;
use super::shape::ApiShape;
use crate::{Cx, Needs, Operation, Reply};

/// Makes an API what an OpenAPI definition says. Its id, stages and deployments stay.
#[derive(Deserialize)]
pub(super) struct ReimportApi {
    api_id: String,
    basepath: Option<String>,
    body: String,
    fail_on_warnings: Option<bool>,
}

impl Operation for ReimportApi {
    const NAME: &'static str = "ReimportApi";
    type Output = ApiShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PUT, format_args!("apis/{}", self.api_id))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        basepath(self.basepath.as_deref())?;
        Definition::read(&self.body, self.fail_on_warnings == Some(true)).map(drop)
    }

    async fn call(self, cx: Cx) -> Result<Reply<ApiShape>, Fault> {
        basepath(self.basepath.as_deref())?;
        let definition = Definition::read(&self.body, self.fail_on_warnings == Some(true))?;
        let named = Named { api: &self.api_id, ..Named::default() };
        let change = cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| {
            let config = edit.config();
            config.routes.clear();
            config.integrations.clear();
            config.api.name.clone_from(&definition.name);
            config.api.description.clone_from(&definition.description);
            config.api.version.clone_from(&definition.version);
            config.api.cors.clone_from(&definition.cors);
            config.api.tags.clone_from(&definition.tags);
            definition.build(edit)
        });
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        let shape = |(config, ()): (eddy_gateway::Config, ())| ApiShape::new(&cx, config.api);
        Ok(Reply::after(done.map(|done| shape(done).warned(definition.warnings))))
    }
}
