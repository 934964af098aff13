use eddy_base::Fault;
use eddy_functions::LATEST;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Deletes a function with its policy, URL, configuration and tags. Its log stays.
#[derive(Debug, Deserialize)]
pub(super) struct DeleteFunction {
    function_name: FunctionName,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    status_code: u16,
}

impl Operation for DeleteFunction {
    const NAME: &'static str = "DeleteFunction";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:DeleteFunction", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        if place.qualifier.as_deref() == Some(LATEST) {
            return Err(Fault::invalid("$LATEST version cannot be deleted without deleting the function."));
        }
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let deleted = cx.engines.functions.delete(&place.scope, &place.name).await.map_err(about(&place))?;
        let status = StatusCode::NO_CONTENT;
        Ok(Reply::after(deleted.map(|()| Output { status_code: status.as_u16() })).status(status))
    }
}
