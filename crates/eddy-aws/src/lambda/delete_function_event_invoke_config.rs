use eddy_base::Fault;
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Goes back to the defaults: two more attempts, six hours.
#[derive(Debug, Deserialize)]
pub(super) struct DeleteFunctionEventInvokeConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
}

impl Operation for DeleteFunctionEventInvokeConfig {
    const NAME: &'static str = "DeleteFunctionEventInvokeConfig";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:DeleteFunctionEventInvokeConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let deleted = cx.engines.functions.delete_retry(&place.scope, &place.name).await;
        Ok(Reply::after(deleted.map_err(about(&place))?))
    }
}
