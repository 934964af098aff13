use eddy_base::Fault;
use eddy_functions::function::{Auth, Cors as EngineCors, Url};
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use super::url_config::{AuthType, Cors, UrlConfig, check_mode, check_qualifier};
use crate::{Cx, Needs, Operation, Reply};

/// Changes a function's URL; its address stays, and what is not named too.
#[derive(Debug, Deserialize)]
pub(super) struct UpdateFunctionUrlConfig {
    function_name: FunctionName,
    qualifier: Option<String>,
    auth_type: Option<AuthType>,
    cors: Option<Cors>,
    invoke_mode: Option<String>,
}

impl Operation for UpdateFunctionUrlConfig {
    const NAME: &'static str = "UpdateFunctionUrlConfig";
    type Output = UrlConfig;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:UpdateFunctionUrlConfig", self.function_name.arn(cx))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        check_mode(self.invoke_mode.as_deref())
    }

    async fn call(self, cx: Cx) -> Result<Reply<UrlConfig>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        check_qualifier(&place)?;
        check_mode(self.invoke_mode.as_deref())?;
        let auth: Option<Auth> = self.auth_type.map(Into::into);
        let cors: Option<EngineCors> = self.cors.map(Into::into);
        let change = |url: &mut Url| {
            url.auth = auth.unwrap_or(url.auth);
            if let Some(cors) = &cors {
                // An empty one switches it off.
                url.cors = Some(cors.clone()).filter(|cors| *cors != EngineCors::default());
            }
        };
        let changed = cx.engines.functions.change_url(&place.scope, &place.name, change).await;
        let changed = changed.map_err(about(&place))?;
        Ok(Reply::after(changed.map(|url| UrlConfig::new(&cx, &place, url))))
    }
}
