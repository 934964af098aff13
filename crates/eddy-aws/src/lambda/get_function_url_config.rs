use eddy_base::Fault;
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use super::url_config::{UrlConfig, check_qualifier};
use crate::{Cx, Needs, Operation, Reply};

/// The function's URL, if it has one.
#[derive(Debug, Deserialize)]
pub(super) struct GetFunctionUrlConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
}

impl Operation for GetFunctionUrlConfig {
    const NAME: &'static str = "GetFunctionUrlConfig";
    type Output = UrlConfig;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:GetFunctionUrlConfig", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<UrlConfig>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        check_qualifier(&place)?;
        let (url, pos) = cx.engines.functions.url(&place.scope, &place.name).map_err(about(&place))?;
        Ok(Reply::read(UrlConfig::new(&cx, &place, url), pos))
    }
}
