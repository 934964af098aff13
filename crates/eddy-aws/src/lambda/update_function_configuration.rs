use eddy_base::Fault;
use eddy_functions::function::{Settings, Variables};
use serde::Deserialize;

use super::configuration::Configuration;
use super::fault::about;
use super::input::{self, Environment, EphemeralStorage};
use super::logging::LoggingConfig;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Changes settings; what is not named stays. The next invocations run in new environments.
#[derive(Debug, Deserialize)]
pub(super) struct UpdateFunctionConfiguration {
    function_name: FunctionName,
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<u32>,
    memory_size: Option<u32>,
    environment: Option<Environment>,
    runtime: Option<String>,
    revision_id: Option<String>,
    ephemeral_storage: Option<EphemeralStorage>,
    logging_config: Option<LoggingConfig>,
}

/// What is named, checked.
struct Change {
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout_seconds: Option<u32>,
    memory_mb: Option<u32>,
    variables: Option<Variables>,
    runtime: Option<String>,
    tmp_mb: Option<u32>,
}

impl Operation for UpdateFunctionConfiguration {
    const NAME: &'static str = "UpdateFunctionConfiguration";
    type Output = Configuration;

    fn needs(&self, cx: &Cx) -> Needs {
        let needs = Needs::one("lambda:UpdateFunctionConfiguration", self.function_name.arn(cx));
        match &self.role {
            Some(role) => needs.and("iam:PassRole", role),
            None => needs,
        }
    }

    async fn check(&self, cx: &Cx) -> Result<(), Fault> {
        input::timeout(self.timeout)?;
        input::memory(self.memory_size)?;
        self.environment.clone().map(Environment::checked).transpose()?;
        self.logging_config.as_ref().map(LoggingConfig::check).transpose()?;
        let place = self.function_name.unqualified(cx)?;
        match &self.runtime {
            Some(runtime) => cx.engines.functions.check_runtime(runtime).await.map_err(about(&place)),
            None => Ok(()),
        }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Configuration>, Fault> {
        let place = self.function_name.unqualified(&cx)?;
        if let Some(role) = &self.role {
            input::role(&cx, role)?;
        }
        self.logging_config.as_ref().map(LoggingConfig::check).transpose()?;
        let change = Change {
            role: self.role,
            handler: self.handler,
            description: self.description,
            timeout_seconds: input::timeout(self.timeout)?,
            memory_mb: input::memory(self.memory_size)?,
            variables: self.environment.map(Environment::checked).transpose()?,
            runtime: self.runtime,
            tmp_mb: self.ephemeral_storage.map(|storage| storage.size),
        };
        let (logging, name) = (self.logging_config, place.name.clone());
        let apply = |settings: &mut Settings| {
            change.apply(settings);
            if let Some(logging) = &logging {
                settings.logging = logging.apply(&name, settings.logging.as_ref());
            }
            Ok(())
        };
        let functions = &cx.engines.functions;
        let revision = self.revision_id.as_deref();
        let changed = functions.change_settings(&place.scope, &place.name, revision, apply).await;
        let changed = changed.map_err(about(&place))?;
        Ok(Reply::after(changed.map(|function| Configuration::new(&place, function))))
    }
}

impl Change {
    fn apply(&self, settings: &mut Settings) {
        set(&mut settings.role, &self.role);
        set(&mut settings.handler, &self.handler);
        set(&mut settings.description, &self.description);
        set(&mut settings.timeout_seconds, &self.timeout_seconds);
        set(&mut settings.memory_mb, &self.memory_mb);
        set(&mut settings.variables, &self.variables);
        set(&mut settings.runtime, &self.runtime);
        set(&mut settings.tmp_mb, &self.tmp_mb);
    }
}

fn set<T: Clone>(place: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}
