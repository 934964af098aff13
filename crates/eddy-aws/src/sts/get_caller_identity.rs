use eddy_base::Fault;
use eddy_identity::Caller;
use serde::{Deserialize, Serialize};

use crate::{Cx, Needs, Operation, Reply};

/// Says who asks. Whoever is known may.
#[derive(Deserialize)]
pub(super) struct GetCallerIdentity {}

#[derive(Serialize)]
pub(super) struct Output {
    user_id: String,
    account: String,
    arn: String,
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::nothing()
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let account = cx.account().to_string();
        let user_id = match &cx.caller {
            Caller::Session(session) => {
                // A role that is gone has left its sessions behind; they are then known by its name.
                let role = cx.engines.identity.role(cx.account(), session.role_name());
                let id = role.map_or_else(|_| session.role_name().to_owned(), |(role, _)| role.id);
                format!("{id}:{}", session.function)
            }
            Caller::Root { .. } | Caller::Service(_) | Caller::Anonymous => account.clone(),
        };
        let output = Output { user_id, account, arn: cx.caller.arn() };
        Ok(Reply::read(output, cx.engines.store.snapshot().pos()))
    }
}
