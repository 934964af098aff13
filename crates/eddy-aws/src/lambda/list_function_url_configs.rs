use eddy_base::{Code, Fault};
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use super::url_config::UrlConfig;
use crate::{Cx, Needs, Operation, Reply};

/// The URLs of a function and its aliases: one or none. So there is never a second page.
#[derive(Debug, Deserialize)]
pub(super) struct ListFunctionUrlConfigs {
    function_name: FunctionName,
    /// Read, so that tools may send it.
    #[serde(rename = "max_items")]
    _max_items: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    function_url_configs: Vec<UrlConfig>,
}

impl Operation for ListFunctionUrlConfigs {
    const NAME: &'static str = "ListFunctionUrlConfigs";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:ListFunctionUrlConfigs", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let functions = &cx.engines.functions;
        let (_, read_at) = functions.get(&place.scope, &place.name).map_err(about(&place))?;
        let (configs, pos) = match functions.url(&place.scope, &place.name) {
            Ok((url, pos)) => (vec![UrlConfig::new(&cx, &place, url)], pos),
            Err(fault) if fault.code == Code::Missing => (Vec::new(), read_at),
            Err(fault) => return Err(fault),
        };
        Ok(Reply::read(Output { function_url_configs: configs }, pos))
    }
}
