//! What tags hang on: an API or one of its stages, by ARN.

use eddy_base::{Code, Fault, Subject};
use eddy_gateway::{Config, Edit, Pairs};

use super::fault::bad;
use crate::Cx;

/// What an ARN names.
pub(super) struct Tagged<'a> {
    pub(super) api: &'a str,
    stage: Option<&'a str>,
}

impl<'a> Tagged<'a> {
    /// Reads `arn:aws:apigateway:REGION::/apis/API` or `.../apis/API/stages/STAGE`.
    pub(super) fn read(cx: &Cx, arn: &'a str) -> Result<Tagged<'a>, Fault> {
        let wrong = || bad(format!("Invalid resource ARN {arn}"));
        let mut parts = arn.splitn(6, ':');
        let known =
            parts.next() == Some("arn") && parts.next().is_some() && parts.next() == Some("apigateway");
        let here = parts.next() == Some(cx.scope.region.as_str()) && parts.next().is_some();
        let path = parts.next().filter(|_| known && here).ok_or_else(wrong)?;
        match path.split('/').collect::<Vec<&str>>().as_slice() {
            ["", "apis", api] => Ok(Tagged { api, stage: None }),
            ["", "apis", api, "stages", stage] => Ok(Tagged { api, stage: Some(stage) }),
            _ => Err(wrong()),
        }
    }

    pub(super) fn tags<'c>(&self, config: &'c Config) -> Result<&'c Pairs, Fault> {
        match self.stage {
            None => Ok(&config.api.tags),
            Some(name) => config.stages.get(name).map(|stage| &stage.tags).ok_or_else(no_stage),
        }
    }

    pub(super) fn set(&self, edit: &mut Edit<'_>, tags: Pairs) -> Result<(), Fault> {
        match self.stage {
            None => edit.config().api.tags = tags,
            Some(name) => edit.config().stages.get_mut(name).ok_or_else(no_stage)?.tags = tags,
        }
        Ok(())
    }
}

fn no_stage() -> Fault {
    Fault::new(Code::Missing, Subject::Stage, "Invalid stage identifier specified")
}
