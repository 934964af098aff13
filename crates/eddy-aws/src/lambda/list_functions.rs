use eddy_base::Fault;
use eddy_base::env::blocking;
use eddy_functions::LATEST;
use eddy_functions::limits::PAGE_MAX;
use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::marker;
use super::name::Place;
use crate::{Cx, Needs, Operation, Reply};

/// Functions by name, at most 50 on a page, whatever is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct ListFunctions {
    /// `ALL` shows versions too, of which there is one for each function.
    function_version: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    next_marker: Option<String>,
    functions: Vec<Configuration>,
}

impl Operation for ListFunctions {
    const NAME: &'static str = "ListFunctions";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("lambda:ListFunctions", "*")
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let after = marker::read(self.marker.as_deref())?;
        let max = self.max_items.unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let functions = cx.engines.functions.clone();
        let scope = cx.scope.clone();
        let page = blocking(cx.engines.store.env(), move || functions.list(&scope, after.as_deref(), max));
        let page = page.await.map_err(|_| Fault::internal("the functions could not be read"))??;
        let last = page.functions.last().map(|function| marker::write(&function.name));
        let qualifier = self.function_version.is_some().then(|| LATEST.to_owned());
        let shown = page.functions.into_iter().map(|function| {
            let (scope, name) = (cx.scope.clone(), function.name.clone());
            Configuration::new(&Place { scope, name, qualifier: qualifier.clone() }, function)
        });
        let output = Output { next_marker: last.filter(|_| page.more), functions: shown.collect() };
        Ok(Reply::read(output, page.pos))
    }
}
