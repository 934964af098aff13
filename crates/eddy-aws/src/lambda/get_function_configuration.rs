use eddy_base::Fault;
use serde::Deserialize;

use super::configuration::Configuration;
use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// A function's settings.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunctionConfiguration {
    function_name: FunctionName,
    qualifier: Option<String>,
}

impl Operation for GetFunctionConfiguration {
    const NAME: &'static str = "GetFunctionConfiguration";
    type Output = Configuration;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunctionConfiguration", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Configuration>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        let found = cx.engines.functions.get(&place.scope, &place.name);
        let (function, pos) = found.map_err(about(&place))?;
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        Ok(Reply::read(Configuration::new(&place, function), pos))
    }
}
