use eddy_base::Fault;
use eddy_gateway::NewApi;
use serde::Deserialize;

use super::fault::{Named, worded};
use super::openapi::Definition;
use super::shape::ApiShape;
use crate::{Cx, Needs, Operation, Reply};

/// Makes an API from an OpenAPI definition. It has no stage yet.
#[derive(Deserialize)]
pub(super) struct ImportApi {
    basepath: Option<String>,
    body: String,
    fail_on_warnings: Option<bool>,
}

impl Operation for ImportApi {
    const NAME: &'static str = "ImportApi";
    type Output = ApiShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::PUT, "apis")
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        basepath(self.basepath.as_deref())?;
        Definition::read(&self.body, self.fail_on_warnings == Some(true)).map(drop)
    }

    async fn call(self, cx: Cx) -> Result<Reply<ApiShape>, Fault> {
        basepath(self.basepath.as_deref())?;
        let definition = Definition::read(&self.body, self.fail_on_warnings == Some(true))?;
        let new = NewApi {
            name: definition.name.clone(),
            description: definition.description.clone(),
            version: definition.version.clone(),
            cors: definition.cors.clone(),
            tags: definition.tags.clone(),
            disabled: false,
        };
        let made = cx.engines.gateway.create(&cx.scope, new, |edit| definition.build(edit)).await;
        let made = made.map_err(|fault| worded(&cx, Named::default(), fault))?;
        Ok(Reply::after(made.map(|config| ApiShape::new(&cx, config.api).warned(definition.warnings))))
    }
}

/// A base path in the definition is ignored, which is the default.
pub(super) fn basepath(basepath: Option<&str>) -> Result<(), Fault> {
    match basepath {
        None | Some("ignore") => Ok(()),
        Some(other) => {
            let text = format!("The value {other} of the parameter Basepath is not supported by eddy.");
            Err(Fault::unsupported(text))
        }
    }
}
