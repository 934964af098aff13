use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// The function's policy, if it has a statement.
#[derive(Debug, Deserialize)]
pub(super) struct GetPolicy {
    function_name: FunctionName,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    policy: String,
    revision_id: String,
}

impl Operation for GetPolicy {
    const NAME: &'static str = "GetPolicy";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetPolicy", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let found = cx.engines.functions.policy(&place.scope, &place.name);
        let (policy, revision, pos) = found.map_err(about(&place))?;
        Ok(Reply::read(Output { policy: policy.json(), revision_id: revision.to_string() }, pos))
    }
}
