use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// When a function's interpreter changes: whenever the machine's does.
#[derive(Debug, Deserialize)]
pub(super) struct GetRuntimeManagementConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    update_runtime_on: &'static str,
    function_arn: String,
}

impl Operation for GetRuntimeManagementConfig {
    const NAME: &'static str = "GetRuntimeManagementConfig";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetRuntimeManagementConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let (_, pos) = cx.engines.functions.get(&place.scope, &place.name).map_err(about(&place))?;
        Ok(Reply::read(Output { update_runtime_on: "Auto", function_arn: place.latest_arn() }, pos))
    }
}
