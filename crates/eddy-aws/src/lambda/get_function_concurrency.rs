use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// The concurrency reserved for a function: none, since it cannot be set.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunctionConcurrency {
    function_name: FunctionName,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {}

impl Operation for GetFunctionConcurrency {
    const NAME: &'static str = "GetFunctionConcurrency";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunctionConcurrency", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let (_, pos) = cx.engines.functions.get(&place.scope, &place.name).map_err(about(&place))?;
        Ok(Reply::read(Output {}, pos))
    }
}
