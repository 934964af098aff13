use eddy_base::Fault;
use eddy_functions::function::Code;
use eddy_wire::Blob;
use serde::Deserialize;

use super::code::{FunctionCode, REQUEST_BYTES_MAX};
use super::configuration::Configuration;
use super::fault::about;
use super::input;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Replaces a function's package. `DryRun` checks it and answers what would be, and changes nothing.
#[derive(Debug, Deserialize)]
pub(super) struct UpdateFunctionCode {
    function_name: FunctionName,
    zip_file: Option<Blob>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    dry_run: Option<bool>,
    revision_id: Option<String>,
    architectures: Option<Vec<String>>,
}

impl Operation for UpdateFunctionCode {
    const NAME: &'static str = "UpdateFunctionCode";
    const BODY_BYTES_MAX: u64 = REQUEST_BYTES_MAX;
    type Output = Configuration;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:UpdateFunctionCode", self.function_name.arn(cx))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        input::architectures(self.architectures.as_deref())
    }

    async fn call(self, cx: Cx) -> Result<Reply<Configuration>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let functions = &cx.engines.functions;
        let (mut function, pos) = functions.get(&place.scope, &place.name).map_err(about(&place))?;
        input::architectures(self.architectures.as_deref())?;
        let code = FunctionCode { zip_file: self.zip_file, s3_bucket: self.s3_bucket, s3_key: self.s3_key };
        let upload = code.receive(&cx).await?;
        let revision = self.revision_id.as_deref();
        if self.dry_run == Some(true) {
            function.check_revision(revision).map_err(about(&place))?;
            let (hash, size_bytes) = upload.check().await.map_err(about(&place))?;
            function.code = Code { hash, size_bytes, ..function.code };
            return Ok(Reply::read(Configuration::new(&place, function), pos));
        }
        let package = upload.finish().await.map_err(about(&place))?;
        let changed = functions.change_code(&place.scope, &place.name, revision, &package).await;
        let changed = changed.map_err(about(&place))?;
        Ok(Reply::after(changed.map(|function| Configuration::new(&place, function))))
    }
}
