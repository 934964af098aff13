use eddy_base::Fault;
use serde::Deserialize;

use super::read::{Output, Read};
use crate::{Cx, Needs, Operation, Reply};

/// Says what GetObject would send.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct HeadObject(Read);

impl Operation for HeadObject {
    const NAME: &'static str = "HeadObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        self.0.needs()
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        Ok(self.0.answer(&cx)?.reply)
    }
}
