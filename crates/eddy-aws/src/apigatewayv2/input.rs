//! Values of inputs, read once.

use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_gateway::{Cors, Format, Pairs, limits};
use serde::{Deserialize, Serialize};

use super::fault::bad;
use crate::http_event;

/// A CORS configuration as requests and answers have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CorsShape {
    pub(super) allow_credentials: Option<bool>,
    pub(super) allow_headers: Option<Vec<String>>,
    pub(super) allow_methods: Option<Vec<String>>,
    pub(super) allow_origins: Option<Vec<String>>,
    pub(super) expose_headers: Option<Vec<String>>,
    pub(super) max_age: Option<i32>,
}

const CORS_METHODS: [&str; 8] = ["*", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

impl TryFrom<CorsShape> for Cors {
    type Error = Fault;

    fn try_from(shape: CorsShape) -> Result<Cors, Fault> {
        let CorsShape {
            allow_credentials,
            allow_headers,
            allow_methods,
            allow_origins,
            expose_headers,
            max_age,
        } = shape;
        let cors = Cors {
            allow_credentials,
            allow_headers: headers(allow_headers, "allowHeaders")?,
            allow_methods: allow_methods.unwrap_or_default(),
            allow_origins: allow_origins.unwrap_or_default(),
            expose_headers: headers(expose_headers, "exposeHeaders")?,
            max_age_seconds: max_age,
        };
        let lists = [&cors.allow_headers, &cors.allow_methods, &cors.allow_origins, &cors.expose_headers];
        if lists.iter().any(|list| list.len() > limits::CORS_VALUES_MAX) {
            return Err(bad("A list of the CORS configuration has too many values"));
        }
        if let Some(other) = cors.allow_methods.iter().find(|method| !CORS_METHODS.contains(&method.as_str()))
        {
            return Err(bad(format!("Invalid value {other} for allowMethods")));
        }
        if let Some(other) = cors.allow_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(bad(format!("Invalid format for origin {other}")));
        }
        if cors.allow_credentials == Some(true) && cors.allow_origins.iter().any(|origin| origin == "*") {
            return Err(bad("allowCredentials is not supported for origin *"));
        }
        if cors.max_age_seconds.is_some_and(|age| !(-1..=limits::CORS_AGE_SECONDS_MAX).contains(&age)) {
            return Err(bad("maxAge must be between -1 and 86400"));
        }
        Ok(cors)
    }
}

impl From<Cors> for CorsShape {
    fn from(cors: Cors) -> CorsShape {
        let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
        CorsShape {
            allow_credentials: cors.allow_credentials,
            allow_headers: given(cors.allow_headers),
            allow_methods: given(cors.allow_methods),
            allow_origins: given(cors.allow_origins),
            expose_headers: given(cors.expose_headers),
            max_age: cors.max_age_seconds,
        }
    }
}

fn headers(list: Option<Vec<String>>, name: &str) -> Result<Vec<String>, Fault> {
    let list = list.unwrap_or_default();
    let wrong = |header: &&String| *header != "*" && http::HeaderName::from_bytes(header.as_bytes()).is_err();
    match list.iter().find(wrong) {
        Some(other) => Err(bad(format!("Invalid value {other} for {name}"))),
        None => Ok(list),
    }
}

/// `*`, or `http://` or `https://` and something, without a path.
fn is_origin(origin: &str) -> bool {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let fits =
        |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    origin == "*" || rest.is_some_and(fits)
}

/// A name or a description, held against its length in characters.
pub(super) fn text(text: &str, what: &str, chars: std::ops::RangeInclusive<usize>) -> Result<(), Fault> {
    if chars.contains(&text.chars().count()) {
        return Ok(());
    }
    Err(bad(format!("Invalid {what}: it must have between {} and {} characters", chars.start(), chars.end())))
}

pub(super) fn description(description: Option<&str>) -> Result<(), Fault> {
    text(description.unwrap_or_default(), "description", 0..=limits::DESCRIPTION_CHARS_MAX)
}

/// Tags, held against their limits.
pub(super) fn tags(tags: Option<BTreeMap<String, String>>) -> Result<Pairs, Fault> {
    let tags = tags.unwrap_or_default();
    if tags.len() > limits::TAGS_MAX {
        return Err(bad(format!("A resource has at most {} tags", limits::TAGS_MAX)));
    }
    for (key, value) in &tags {
        let reserved = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || reserved {
            return Err(bad(format!("Invalid tag {key}")));
        }
    }
    Ok(tags.into_iter().collect())
}

/// Stage variables: names of letters, digits and `_`, values of what stands in URLs.
pub(super) fn variables(variables: BTreeMap<String, String>) -> Result<Pairs, Fault> {
    if variables.len() > limits::STAGE_VARIABLES_MAX {
        return Err(bad("A stage has too many variables"));
    }
    for (name, value) in &variables {
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&byte);
        if !named || value.len() > limits::STAGE_VARIABLE_CHARS_MAX || !value.bytes().all(fits) {
            let rule = "names have letters, digits and underscores, values match [A-Za-z0-9-._~:/?#&=,]+";
            return Err(bad(format!("Invalid stage variable {name}: {rule}")));
        }
    }
    Ok(variables.into_iter().collect())
}

/// `1.0` or `2.0`.
pub(super) fn format(version: &str) -> Result<Format, Fault> {
    match version {
        "1.0" => Ok(Format::One),
        "2.0" => Ok(Format::Two),
        _ => Err(bad("PayloadFormatVersion must be 1.0 or 2.0")),
    }
}

/// The address of a function. One with a stage variable in it is read when it is served.
pub(super) fn uri(uri: &str) -> Result<(), Fault> {
    if uri.contains("${stageVariables.") || http_event::function_of(uri).is_some() {
        return Ok(());
    }
    Err(bad("Invalid function ARN or invalid uri"))
}

/// `integrations/ID`, the way in which routes name what they lead to.
pub(super) fn target(target: &str) -> Result<&str, Fault> {
    let id = target.strip_prefix("integrations/").filter(|id| !id.is_empty() && !id.contains('/'));
    id.ok_or_else(|| {
        bad(format!("Invalid target {target}: it must have the form integrations/INTEGRATION_ID"))
    })
}

/// How long an integration may take, in milliseconds.
pub(super) fn timeout(millis: i64) -> Result<u32, Fault> {
    let range = limits::TIMEOUT_MIN.as_millis()..=limits::TIMEOUT_MAX.as_millis();
    let fits = u32::try_from(millis).ok().filter(|millis| range.contains(&u128::from(*millis)));
    fits.ok_or_else(|| bad("Timeout should be between 50 ms and 30000 ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> CorsShape {
        CorsShape {
            allow_credentials: None,
            allow_headers: None,
            allow_methods: None,
            allow_origins: Some(vec!["https://a.example".to_owned()]),
            expose_headers: None,
            max_age: None,
        }
    }

    #[test]
    fn cors_rules() {
        let one = |text: &str| Some(vec![text.to_owned()]);
        for (shape, fits) in [
            (cors(), true),
            (CorsShape { allow_origins: one("*"), ..cors() }, true),
            (CorsShape { allow_origins: one("https://*"), ..cors() }, true),
            (CorsShape { allow_origins: one("a.example"), ..cors() }, false),
            (CorsShape { allow_origins: one("https://a/b"), ..cors() }, false),
            (CorsShape { allow_origins: one("*"), allow_credentials: Some(true), ..cors() }, false),
            (CorsShape { allow_methods: one("TRACE"), ..cors() }, false),
            (CorsShape { allow_headers: one("a b"), ..cors() }, false),
            (CorsShape { expose_headers: one("*"), ..cors() }, true),
            (CorsShape { max_age: Some(-1), ..cors() }, true),
            (CorsShape { max_age: Some(86_401), ..cors() }, false),
        ] {
            assert_eq!(Cors::try_from(shape.clone()).is_ok(), fits, "{shape:?}");
        }
    }

    #[test]
    fn variables_and_tags() {
        let map = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert!(variables(map("fn_1", "a/b?c=d")).is_ok());
        assert!(variables(map("fn-1", "a")).is_err());
        assert!(variables(map("fn", "a b")).is_err());
        assert!(tags(Some(map("k", "v"))).is_ok());
        assert!(tags(Some(map("aws:k", "v"))).is_err());
        assert!(tags(Some(map("", "v"))).is_err());
    }
}
