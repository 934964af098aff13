use eddy_base::Fault;
use eddy_functions::LATEST;
use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::fault::about;
use super::name::{FunctionName, Place};
use crate::{Cx, Needs, Operation, Reply};

/// The versions of a function: `$LATEST`. So there is never a second page.
#[derive(Debug, Deserialize)]
pub(super) struct ListVersionsByFunction {
    function_name: FunctionName,
    /// Read, so that tools may send it.
    #[serde(rename = "max_items")]
    _max_items: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    versions: [Configuration; 1],
}

impl Operation for ListVersionsByFunction {
    const NAME: &'static str = "ListVersionsByFunction";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:ListVersionsByFunction", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let found = cx.engines.functions.get(&place.scope, &place.name);
        let (function, pos) = found.map_err(about(&place))?;
        let place = Place { qualifier: Some(LATEST.to_owned()), ..place };
        Ok(Reply::read(Output { versions: [Configuration::new(&place, function)] }, pos))
    }
}
