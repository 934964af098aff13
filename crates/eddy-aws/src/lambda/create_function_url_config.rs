use eddy_base::Fault;
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use super::url_config::{AuthType, Cors, Created, UrlConfig, check_mode, check_qualifier};
use crate::{Cx, Needs, Operation, Reply};

/// Gives a function an address at which it answers HTTP.
#[derive(Debug, Deserialize)]
pub(super) struct CreateFunctionUrlConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
    auth_type: AuthType,
    cors: Option<Cors>,
    invoke_mode: Option<String>,
}

impl Operation for CreateFunctionUrlConfig {
    const NAME: &'static str = "CreateFunctionUrlConfig";
    type Output = Created;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:CreateFunctionUrlConfig", self.function_name.arn(cx))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        check_mode(self.invoke_mode.as_deref())
    }

    async fn call(self, cx: Cx) -> Result<Reply<Created>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        check_qualifier(&place)?;
        check_mode(self.invoke_mode.as_deref())?;
        let (auth, cors) = (self.auth_type.into(), self.cors.map(Into::into));
        let created = cx.engines.functions.create_url(&place.scope, &place.name, auth, cors).await;
        let created = created.map_err(about(&place))?;
        Ok(Reply::after(created.map(|url| UrlConfig::new(&cx, &place, url).into())))
    }
}
