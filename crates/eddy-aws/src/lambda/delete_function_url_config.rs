use eddy_base::Fault;
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use super::url_config::check_qualifier;
use crate::{Cx, Needs, Operation, Reply};

/// Takes a function's URL away. A later one has another address.
#[derive(Debug, Deserialize)]
pub(super) struct DeleteFunctionUrlConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
}

impl Operation for DeleteFunctionUrlConfig {
    const NAME: &'static str = "DeleteFunctionUrlConfig";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:DeleteFunctionUrlConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        check_qualifier(&place)?;
        let deleted = cx.engines.functions.delete_url(&place.scope, &place.name).await;
        Ok(Reply::after(deleted.map_err(about(&place))?))
    }
}
