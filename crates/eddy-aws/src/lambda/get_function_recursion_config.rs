use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// What happens with events that cause one another without end: they are stopped.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunctionRecursionConfig {
    function_name: FunctionName,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    recursive_loop: &'static str,
}

impl Operation for GetFunctionRecursionConfig {
    const NAME: &'static str = "GetFunctionRecursionConfig";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunctionRecursionConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let (_, pos) = cx.engines.functions.get(&place.scope, &place.name).map_err(about(&place))?;
        Ok(Reply::read(Output { recursive_loop: "Terminate" }, pos))
    }
}
