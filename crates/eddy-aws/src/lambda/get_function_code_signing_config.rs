use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// How a function's code must be signed: in no way, since it cannot be set.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunctionCodeSigningConfig {
    function_name: FunctionName,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    function_name: String,
}

impl Operation for GetFunctionCodeSigningConfig {
    const NAME: &'static str = "GetFunctionCodeSigningConfig";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunctionCodeSigningConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let (_, pos) = cx.engines.functions.get(&place.scope, &place.name).map_err(about(&place))?;
        Ok(Reply::read(Output { function_name: place.name }, pos))
    }
}
