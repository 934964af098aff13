use eddy_base::Fault;
use eddy_base::env::blocking;
use eddy_functions::limits::{PACKAGE_INLINE_BYTES_MAX, UNPACKED_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::{Cx, Needs, Operation, Reply};

/// Limits that hold here, and what the account uses in this region. There is no limit on all code together but
/// the disk, so none is named.
#[derive(Debug, Deserialize)]
pub(super) struct GetAccountSettings {}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    account_limit: Limit,
    account_usage: Usage,
}

#[derive(Debug, Serialize)]
struct Limit {
    code_size_unzipped: u64,
    code_size_zipped: u64,
    concurrent_executions: usize,
    unreserved_concurrent_executions: usize,
}

#[derive(Debug, Serialize)]
struct Usage {
    total_code_size: u64,
    function_count: u64,
}

impl Operation for GetAccountSettings {
    const NAME: &'static str = "GetAccountSettings";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("lambda:GetAccountSettings", "*")
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let functions = cx.engines.functions.clone();
        let scope = cx.scope.clone();
        let concurrent = functions.environments_max();
        let usage = blocking(cx.engines.store.env(), move || functions.usage(&scope));
        let (usage, pos) = usage.await.map_err(|_| Fault::internal("the functions could not be read"))??;
        let output = Output {
            account_limit: Limit {
                code_size_unzipped: UNPACKED_BYTES_MAX,
                code_size_zipped: PACKAGE_INLINE_BYTES_MAX,
                concurrent_executions: concurrent,
                unreserved_concurrent_executions: concurrent,
            },
            account_usage: Usage { total_code_size: usage.code_bytes, function_count: usage.functions },
        };
        Ok(Reply::read(output, pos))
    }
}
