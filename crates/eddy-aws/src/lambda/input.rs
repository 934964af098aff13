//! What CreateFunction and UpdateFunctionConfiguration check alike, beyond what the model says.

use std::collections::BTreeMap;

use eddy_base::{Code, Fault};
use eddy_functions::Tags;
use eddy_functions::function::Variables;
use eddy_functions::limits::VARIABLES_BYTES_MAX;
use eddy_identity::Caller;
use eddy_identity::policy::{Context, Document, Kind, Request, Verdict};
use serde::Deserialize;

use super::configuration::ARCHITECTURE;
use super::fault::constraint;
use crate::{Cx, system_tags};

pub(super) const TIMEOUT_SECONDS_MAX: u32 = 900;
pub(super) const TIMEOUT_SECONDS: u32 = 3;
pub(super) const MEMORY_MB_MAX: u32 = 10_240;
pub(super) const MEMORY_MB: u32 = 128;
pub(super) const TMP_MB: u32 = 512;

/// Names that belong to the contract.
const RESERVED: [&str; 20] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Environment {
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EphemeralStorage {
    pub(super) size: u32,
}

impl Environment {
    pub(super) fn checked(self) -> Result<Variables, Fault> {
        let variables = self.variables.unwrap_or_default();
        let reserved: Vec<&str> =
            variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
        if !reserved.is_empty() {
            return Err(Fault::invalid(format!(
                "Lambda was unable to configure your environment variables because the environment variables \
                 you have provided contains reserved keys that are currently not supported for modification. \
                 Reserved keys used in this request: {}",
                reserved.join(", ")
            )));
        }
        let variables = Variables(variables.into_iter().collect());
        if variables.size_bytes() > VARIABLES_BYTES_MAX {
            // The real text goes on with all of them; values are nothing for logs.
            return Err(Fault::invalid(
                "Lambda was unable to configure your environment variables because the environment variables \
                 you have provided exceeded the 4KB limit.",
            ));
        }
        Ok(variables)
    }
}

/// Tags of a function.
///
/// # Errors
/// When a key is Amazon's own.
pub(super) fn tags(all: BTreeMap<String, String>) -> Result<Tags, Fault> {
    system_tags::refuse(all.keys())?;
    Ok(Tags { all })
}

pub(super) fn timeout(seconds: Option<u32>) -> Result<Option<u32>, Fault> {
    at_most("timeout", seconds, TIMEOUT_SECONDS_MAX)
}

pub(super) fn memory(mb: Option<u32>) -> Result<Option<u32>, Fault> {
    at_most("memorySize", mb, MEMORY_MB_MAX)
}

fn at_most(member: &str, value: Option<u32>, max: u32) -> Result<Option<u32>, Fault> {
    match value {
        Some(value) if value > max => {
            Err(constraint(member, &value.to_string(), &format!("have value less than or equal to {max}")))
        }
        value => Ok(value),
    }
}

/// A function runs on this machine's architecture or not at all.
pub(super) fn architectures(asked: Option<&[String]>) -> Result<(), Fault> {
    match asked {
        None | Some([]) => Ok(()),
        Some([one]) if one == ARCHITECTURE => Ok(()),
        Some(others) => Err(Fault::unsupported(format!(
            "Architectures [{}]: this machine runs {ARCHITECTURE}",
            others.join(", ")
        ))),
    }
}

/// A role that is here must let Lambda assume it. One that is not is taken by its ARN: policies of roles are not
/// enforced yet, so nothing hangs on it, and many who try a function out name a role that they never made. That it is
/// the caller's to pass on is checked before.
pub(super) fn role(cx: &Cx, arn: &str) -> Result<(), Fault> {
    let cannot = || Fault::invalid("The role defined for the function cannot be assumed by Lambda.");
    let name = arn.rsplit('/').next().unwrap_or_default();
    let role = match cx.engines.identity.role(cx.account(), name) {
        Ok((role, _)) => role,
        Err(fault) if fault.code == Code::Missing => return Ok(()),
        Err(fault) => return Err(fault),
    };
    let trust = Document::parse(&role.trust, Kind::Trust).map_err(|_| cannot())?;
    let asked = Request {
        caller: &Caller::Service("lambda.amazonaws.com".to_owned()),
        action: "sts:AssumeRole",
        resource: arn,
        context: &Context::new().with("aws:SourceAccount", cx.account().as_str()),
    };
    match trust.verdict(&asked) {
        Verdict::Allow(_) if role.arn(cx.account()) == arn => Ok(()),
        Verdict::Allow(_) | Verdict::Deny(_) | Verdict::Silent => Err(cannot()),
    }
}
