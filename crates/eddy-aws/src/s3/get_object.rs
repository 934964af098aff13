use eddy_base::Fault;
use serde::Deserialize;

use super::body;
use super::read::{Output, Read};
use crate::{Cx, Needs, Operation, Reply};

/// Sends an object, or a part of it.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct GetObject(Read);

impl Operation for GetObject {
    const NAME: &'static str = "GetObject";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        self.0.needs()
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let reading = self.0.answer(&cx)?;
        Ok(match reading.sent {
            Some((found, range)) => reading.reply.body(body::send(&cx, &found, range)),
            None => reading.reply,
        })
    }
}
