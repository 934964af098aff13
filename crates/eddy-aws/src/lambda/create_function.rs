use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_functions::function::Settings;
use serde::Deserialize;

use super::code::{FunctionCode, REQUEST_BYTES_MAX};
use super::configuration::Configuration;
use super::fault::about;
use super::input::{self, Environment, EphemeralStorage};
use super::logging::LoggingConfig;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

const NO_RUNTIME: &str =
    "Runtime and Handler are mandatory parameters for functions created with deployment packages.";

/// Makes a function. It is active when the reply leaves: the package is checked and unpacked, and its runtime is
/// there.
#[derive(Debug, Deserialize)]
pub(super) struct CreateFunction {
    function_name: FunctionName,
    runtime: Option<String>,
    role: String,
    handler: Option<String>,
    code: FunctionCode,
    description: Option<String>,
    timeout: Option<u32>,
    memory_size: Option<u32>,
    environment: Option<Environment>,
    tags: Option<BTreeMap<String, String>>,
    architectures: Option<Vec<String>>,
    ephemeral_storage: Option<EphemeralStorage>,
    logging_config: Option<LoggingConfig>,
}

impl Operation for CreateFunction {
    const NAME: &'static str = "CreateFunction";
    const BODY_BYTES_MAX: u64 = REQUEST_BYTES_MAX;
    type Output = Configuration;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:CreateFunction", self.function_name.arn(cx)).and("iam:PassRole", &self.role)
    }

    async fn check(&self, cx: &Cx) -> Result<(), Fault> {
        let (Some(runtime), Some(_)) = (&self.runtime, &self.handler) else {
            return Err(Fault::invalid(NO_RUNTIME));
        };
        input::architectures(self.architectures.as_deref())?;
        input::timeout(self.timeout)?;
        input::memory(self.memory_size)?;
        input::tags(self.tags.clone().unwrap_or_default())?;
        self.logging_config.as_ref().map(LoggingConfig::check).transpose()?;
        self.environment.clone().map(Environment::checked).transpose()?;
        let place = self.function_name.unqualified(cx)?;
        cx.engines.functions.check_runtime(runtime).await.map_err(about(&place))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Configuration>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        let (Some(runtime), Some(handler)) = (self.runtime, self.handler) else {
            return Err(Fault::invalid(NO_RUNTIME));
        };
        input::architectures(self.architectures.as_deref())?;
        input::role(&cx, &self.role)?;
        let logging = self.logging_config.unwrap_or_default();
        logging.check()?;
        let settings = Settings {
            runtime,
            handler,
            role: self.role,
            description: self.description.unwrap_or_default(),
            timeout_seconds: input::timeout(self.timeout)?.unwrap_or(input::TIMEOUT_SECONDS),
            memory_mb: input::memory(self.memory_size)?.unwrap_or(input::MEMORY_MB),
            tmp_mb: self.ephemeral_storage.map_or(input::TMP_MB, |storage| storage.size),
            variables: self.environment.map(Environment::checked).transpose()?.unwrap_or_default(),
            logging: logging.apply(&place.name, None),
        };
        let tags = input::tags(self.tags.unwrap_or_default())?;
        let package = self.code.receive(&cx).await?.finish().await.map_err(about(&place))?;
        let made = cx.engines.functions.create(&place.scope, &place.name, settings, &package, tags).await;
        let made = made.map_err(about(&place))?;
        Ok(Reply::after(made.map(|function| Configuration::new(&place, function))))
    }
}
