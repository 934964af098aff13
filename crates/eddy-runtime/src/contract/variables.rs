//! The environment variables of a guest.
//!
//! Three layers: defaults that the user may override, the user's own, and those that nobody overrides.

use crate::{Runtime, Spec};

/// Where a guest finds things. In a jail with its own files these are the paths of the contract; without, those of
/// the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) task: String,
    pub(crate) layers: String,
    pub(crate) libraries: String,
    pub(crate) temporary: String,
    /// `host:port` of the Runtime API.
    pub(crate) runtime_api: String,
    /// URL of the platform endpoint.
    pub(crate) endpoint: String,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            task: "/var/task".to_owned(),
            layers: "/opt".to_owned(),
            libraries: "/var/runtime".to_owned(),
            temporary: "/tmp".to_owned(),
            runtime_api: "127.0.0.1:9001".to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        }
    }
}

/// All variables, each name once, in the order of the layers.
pub(crate) fn compose(spec: &Spec, runtime: Runtime, places: &Places) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = Vec::with_capacity(32);
    let mut set = |name: &str, value: String| match variables.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value,
        None => variables.push((name.to_owned(), value)),
    };
    for (name, value) in defaults(places) {
        set(name, value);
    }
    for (name, value) in spec.variables.iter().filter(|(name, _)| is_allowed(name)) {
        set(name, value.clone());
    }
    for (name, value) in reserved(spec, runtime, places) {
        set(name, value);
    }
    variables
}

/// A name that the system can carry and the contract leaves to the user.
fn is_allowed(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('_') && !name.contains(['=', '\0'])
}

fn defaults(places: &Places) -> Vec<(&'static str, String)> {
    let Places { task, layers, libraries, .. } = places;
    let fixed = |text: &str| text.to_owned();
    vec![
        ("LANG", fixed("en_US.UTF-8")),
        ("TZ", fixed(":UTC")),
        ("PATH", format!("/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:{layers}/bin")),
        (
            "LD_LIBRARY_PATH",
            format!(
                "/var/lang/lib:/lib64:/usr/lib64:{libraries}:{libraries}/lib:{task}:{task}/lib:{layers}/lib"
            ),
        ),
        ("AWS_ENDPOINT_URL", places.endpoint.clone()),
        ("AWS_XRAY_CONTEXT_MISSING", fixed("LOG_ERROR")),
        ("AWS_XRAY_DAEMON_ADDRESS", fixed("127.0.0.1:2000")),
    ]
}

fn reserved(spec: &Spec, runtime: Runtime, places: &Places) -> Vec<(&'static str, String)> {
    let function = &spec.function;
    let mut variables = vec![
        ("AWS_LAMBDA_RUNTIME_API", places.runtime_api.clone()),
        ("_HANDLER", spec.handler.clone()),
        ("LAMBDA_TASK_ROOT", places.task.clone()),
        ("LAMBDA_RUNTIME_DIR", places.libraries.clone()),
        ("AWS_REGION", function.region.clone()),
        ("AWS_DEFAULT_REGION", function.region.clone()),
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", function.runtime)),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", function.version.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_megabytes.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", function.log_group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", function.log_stream.clone()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("_LAMBDA_TELEMETRY_LOG_FD", "4".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", if function.json_log_level.is_some() { "JSON" } else { "Text" }.to_owned()),
    ];
    if let Some(level) = function.json_log_level {
        variables.push(("AWS_LAMBDA_LOG_LEVEL", level.to_owned()));
    }
    if let Some(credentials) = &spec.credentials {
        variables.push(("AWS_ACCESS_KEY_ID", credentials.access_key.clone()));
        variables.push(("AWS_SECRET_ACCESS_KEY", credentials.secret_key.clone()));
        variables.push(("AWS_SESSION_TOKEN", credentials.token.clone()));
    }
    let usual = Places::default();
    if places.temporary != usual.temporary {
        variables.push(("TMPDIR", places.temporary.clone()));
    }
    match runtime {
        Runtime::Python { .. } if places.layers != usual.layers || places.libraries != usual.libraries => {
            variables.push(("EDDY_LAYERS", places.layers.clone()));
            variables.push(("EDDY_LIBRARIES", places.libraries.clone()));
        }
        Runtime::Python { .. } | Runtime::Bootstrap => {}
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;
    use crate::{Credentials, Runtime};

    fn value<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
        let mut found = variables.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = found.next();
        assert!(found.next().is_none(), "{name} twice");
        first
    }

    #[test]
    fn users_override_defaults_and_never_the_contract() {
        let mut spec = spec();
        spec.variables = [
            ("TZ", "Europe/Berlin"),
            ("_HANDLER", "mine"),
            ("_X", "1"),
            ("AWS_REGION", "moon"),
            ("A", "b=c"),
            ("BAD=NAME", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        spec.credentials = Some(Credentials {
            access_key: "ASIA".to_owned(),
            secret_key: "s".to_owned(),
            token: "t".to_owned(),
        });
        let variables = compose(&spec, Runtime::Python { minor: 13 }, &Places::default());
        let table = [
            ("TZ", Some("Europe/Berlin")),
            ("_HANDLER", Some("app.handler")),
            ("_X", None),
            ("AWS_REGION", Some("us-east-1")),
            ("A", Some("b=c")),
            ("BAD=NAME", None),
            ("AWS_SESSION_TOKEN", Some("t")),
            ("AWS_EXECUTION_ENV", Some("AWS_Lambda_python3.13")),
            ("AWS_ENDPOINT_URL", Some("http://127.0.0.1:4566")),
            ("TMPDIR", None),
            ("EDDY_LAYERS", None),
        ];
        for (name, expected) in table {
            assert_eq!(value(&variables, name), expected, "{name}");
        }
    }
}
