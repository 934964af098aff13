use eddy_base::Fault;
use serde::Deserialize;

use super::fault::{Named, worded};
use crate::{Cx, Needs, Operation, Reply};

/// Removes a stage. Its deployment stays, unless it was made for the stage alone.
#[derive(Deserialize)]
pub(super) struct DeleteStage {
    api_id: String,
    stage_name: String,
}

impl Operation for DeleteStage {
    const NAME: &'static str = "DeleteStage";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::DELETE, format_args!("apis/{}/stages/{}", self.api_id, self.stage_name))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let named = Named { api: &self.api_id, ..Named::default() };
        let change =
            cx.engines.gateway.change(&cx.scope, &self.api_id, |edit| edit.remove_stage(&self.stage_name));
        let done = change.await.map_err(|fault| worded(&cx, named, fault))?;
        Ok(Reply::after(done.map(|_| ())))
    }
}
