//! A function's URL, as requests and answers show it.

use eddy_base::Fault;
use eddy_functions::function::{Auth, Url};
use serde::{Deserialize, Serialize};

use super::name::Place;
use crate::Cx;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AuthType {
    #[serde(rename = "NONE")]
    None,
    #[serde(rename = "AWS_IAM")]
    AwsIam,
}

/// The model's Cors, both ways.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Cors {
    allow_credentials: Option<bool>,
    allow_headers: Option<Vec<String>>,
    allow_methods: Option<Vec<String>>,
    allow_origins: Option<Vec<String>>,
    expose_headers: Option<Vec<String>>,
    max_age: Option<u32>,
}

/// The model's FunctionUrlConfig.
#[derive(Debug, Serialize)]
pub(super) struct UrlConfig {
    function_url: String,
    function_arn: String,
    creation_time: String,
    last_modified_time: String,
    cors: Option<Cors>,
    auth_type: AuthType,
    invoke_mode: &'static str,
}

/// The answer to a creation, which has no time of a last change.
#[derive(Debug, Serialize)]
pub(super) struct Created {
    function_url: String,
    function_arn: String,
    creation_time: String,
    cors: Option<Cors>,
    auth_type: AuthType,
    invoke_mode: &'static str,
}

impl UrlConfig {
    pub(super) fn new(cx: &Cx, place: &Place, url: Url) -> UrlConfig {
        UrlConfig {
            function_url: address(cx, &url.id),
            function_arn: place.arn(),
            creation_time: url.created.iso8601(),
            last_modified_time: url.modified.iso8601(),
            cors: url.cors.map(Cors::from),
            auth_type: url.auth.into(),
            invoke_mode: "BUFFERED",
        }
    }
}

impl From<UrlConfig> for Created {
    fn from(config: UrlConfig) -> Created {
        let UrlConfig { function_url, function_arn, creation_time, cors, auth_type, invoke_mode, .. } =
            config;
        Created { function_url, function_arn, creation_time, cors, auth_type, invoke_mode }
    }
}

/// The form that works without DNS, for whoever asks.
fn address(cx: &Cx, id: &str) -> String {
    format!("http://{}/_eddy/url/{id}/", cx.host)
}

/// Answers are sent whole; streaming them is refused.
pub(super) fn check_mode(mode: Option<&str>) -> Result<(), Fault> {
    match mode {
        None | Some("BUFFERED") => Ok(()),
        Some(other) => Err(Fault::unsupported(format!("InvokeMode {other} is not supported by eddy"))),
    }
}

/// Aliases could have URLs of their own, if there were any.
pub(super) fn check_qualifier(place: &Place) -> Result<(), Fault> {
    match &place.qualifier {
        None => Ok(()),
        Some(_) => Err(Fault::new(
            eddy_base::Code::Missing,
            eddy_base::Subject::FunctionVersion,
            format!("Function not found: {}", place.qualified_arn()),
        )),
    }
}

impl From<AuthType> for Auth {
    fn from(auth: AuthType) -> Auth {
        match auth {
            AuthType::None => Auth::Anyone,
            AuthType::AwsIam => Auth::Signed,
        }
    }
}

impl From<Auth> for AuthType {
    fn from(auth: Auth) -> AuthType {
        match auth {
            Auth::Anyone => AuthType::None,
            Auth::Signed => AuthType::AwsIam,
        }
    }
}

impl From<Cors> for eddy_functions::function::Cors {
    fn from(cors: Cors) -> eddy_functions::function::Cors {
        eddy_functions::function::Cors {
            allow_credentials: cors.allow_credentials,
            allow_headers: cors.allow_headers.unwrap_or_default(),
            allow_methods: cors.allow_methods.unwrap_or_default(),
            allow_origins: cors.allow_origins.unwrap_or_default(),
            expose_headers: cors.expose_headers.unwrap_or_default(),
            max_age_seconds: cors.max_age,
        }
    }
}

impl From<eddy_functions::function::Cors> for Cors {
    fn from(cors: eddy_functions::function::Cors) -> Cors {
        let set = |list: Vec<String>| (!list.is_empty()).then_some(list);
        Cors {
            allow_credentials: cors.allow_credentials,
            allow_headers: set(cors.allow_headers),
            allow_methods: set(cors.allow_methods),
            allow_origins: set(cors.allow_origins),
            expose_headers: set(cors.expose_headers),
            max_age: cors.max_age_seconds,
        }
    }
}
