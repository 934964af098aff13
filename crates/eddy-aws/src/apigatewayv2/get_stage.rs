use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use super::fault::{Named, worded};
use super::shape::StageShape;
use crate::{Cx, Needs, Operation, Reply};

/// One stage.
#[derive(Deserialize)]
pub(super) struct GetStage {
    api_id: String,
    stage_name: String,
}

impl Operation for GetStage {
    const NAME: &'static str = "GetStage";
    type Output = StageShape;

    fn needs(&self, cx: &Cx) -> Needs {
        super::on(cx, super::GET, format_args!("apis/{}/stages/{}", self.api_id, self.stage_name))
    }

    async fn call(self, cx: Cx) -> Result<Reply<StageShape>, Fault> {
        let named = Named { api: &self.api_id, ..Named::default() };
        let found = cx.engines.gateway.get(&cx.scope, &self.api_id);
        let (mut config, pos) = found.map_err(|fault| worded(&cx, named, fault))?;
        let Some(stage) = config.stages.remove(&self.stage_name) else {
            return Err(worded(&cx, named, Fault::new(Code::Missing, Subject::Stage, "")));
        };
        Ok(Reply::read(stage.into(), pos))
    }
}
