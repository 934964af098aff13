use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::fault::about;
use super::name::FunctionName;
use super::package_url;
use crate::{Cx, Needs, Operation, Reply};

/// A function with its tags, and where its package can be had for ten minutes.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunction {
    function_name: FunctionName,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    configuration: Configuration,
    code: Location,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
struct Location {
    repository_type: &'static str,
    location: String,
}

impl Operation for GetFunction {
    const NAME: &'static str = "GetFunction";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunction", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        let functions = &cx.engines.functions;
        let (function, pos) = functions.get(&place.scope, &place.name).map_err(about(&place))?;
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let (tags, _) = functions.tags(&place.scope, &place.name).map_err(about(&place))?;
        let location = package_url::make(&cx, &place.scope, &function);
        let output = Output {
            configuration: Configuration::new(&place, function),
            code: Location { repository_type: "S3", location },
            tags: (!tags.is_empty()).then_some(tags.all),
        };
        Ok(Reply::read(output, pos))
    }
}
