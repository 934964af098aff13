//! A function as answers show it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Timestamp;
use eddy_functions::LATEST;
use eddy_functions::function::Function;
use serde::Serialize;

use super::logging::LoggingShape;
use super::name::Place;

/// What this machine runs; the only architecture that a function can have here.
pub(super) const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };

/// The model's FunctionConfiguration.
#[derive(Debug, Serialize)]
pub(super) struct Configuration {
    function_name: String,
    function_arn: String,
    runtime: String,
    role: String,
    handler: String,
    code_size: u64,
    description: String,
    timeout: u32,
    memory_size: u32,
    last_modified: String,
    code_sha256: String,
    version: &'static str,
    environment: Option<Environment>,
    tracing_config: TracingConfig,
    revision_id: String,
    state: &'static str,
    last_update_status: &'static str,
    package_type: &'static str,
    architectures: [&'static str; 1],
    ephemeral_storage: EphemeralStorage,
    snap_start: SnapStart,
    logging_config: LoggingShape,
}

#[derive(Debug, Serialize)]
struct Environment {
    variables: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct TracingConfig {
    mode: &'static str,
}

#[derive(Debug, Serialize)]
struct EphemeralStorage {
    size: u32,
}

#[derive(Debug, Serialize)]
struct SnapStart {
    apply_on: &'static str,
    optimization_status: &'static str,
}

impl Configuration {
    /// Of a function that was asked for by `place`, with the qualifier in its ARN if there was one.
    pub(super) fn new(place: &Place, function: Function) -> Configuration {
        let Function { name, revision, modified, settings, code, .. } = function;
        let variables: BTreeMap<String, String> = settings.variables.0.into_iter().collect();
        Configuration {
            function_arn: place.qualified_arn(),
            runtime: settings.runtime,
            role: settings.role,
            handler: settings.handler,
            code_size: code.size_bytes,
            description: settings.description,
            timeout: settings.timeout_seconds,
            memory_size: settings.memory_mb,
            last_modified: last_modified(modified),
            code_sha256: BASE64.encode(code.hash.0),
            version: LATEST,
            environment: (!variables.is_empty()).then_some(Environment { variables }),
            tracing_config: TracingConfig { mode: "PassThrough" },
            revision_id: revision.to_string(),
            state: "Active",
            last_update_status: "Successful",
            package_type: "Zip",
            architectures: [ARCHITECTURE],
            ephemeral_storage: EphemeralStorage { size: settings.tmp_mb },
            snap_start: SnapStart { apply_on: "None", optimization_status: "Off" },
            logging_config: LoggingShape::new(&name, settings.logging),
            function_name: name,
        }
    }
}

/// `2026-01-02T03:04:05.678+0000`.
pub(super) fn last_modified(at: Timestamp) -> String {
    at.civil().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_form_of_lambda() {
        let at = Timestamp::from_millis(1_767_323_045_678);
        assert_eq!(last_modified(at), "2026-01-02T03:04:05.678+0000");
    }
}
