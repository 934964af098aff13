//! Cross-origin rules: what a preflight is answered and which headers answers get.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use minicbor::{Decode, Encode};

/// What browsers of other origins may do. Empty lists and `None` are as not configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Cors {
    #[n(0)]
    pub allow_credentials: Option<bool>,
    #[n(1)]
    pub allow_headers: Vec<String>,
    #[n(2)]
    pub allow_methods: Vec<String>,
    #[n(3)]
    pub allow_origins: Vec<String>,
    #[n(4)]
    pub expose_headers: Vec<String>,
    /// How long a browser may keep the answer to a preflight; -1 asks it not to.
    #[n(5)]
    pub max_age_seconds: Option<i32>,
}

/// Headers that only a CORS configuration may set once there is one.
const OWNED: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// Does the browser ask what it may do, rather than do it?
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

impl Cors {
    /// The answer to a preflight: rules for an origin that is allowed, nothing for another.
    pub(crate) fn preflight<B: Default>(&self, status: StatusCode, headers: &HeaderMap) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = status;
        let Some(origin) = self.origin(headers) else { return response };
        let out = response.headers_mut();
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        list(out, header::ACCESS_CONTROL_ALLOW_METHODS, &self.allow_methods);
        list(out, header::ACCESS_CONTROL_ALLOW_HEADERS, &self.allow_headers);
        list(out, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose_headers);
        if let Some(seconds) = self.max_age_seconds {
            out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
        self.credentials(out);
        response
    }

    /// Drops the rules that a function answered with, since those of the configuration hold alone.
    pub(crate) fn take_over(out: &mut HeaderMap) {
        for name in &OWNED {
            out.remove(name);
        }
    }

    /// Adds the rules to an answer, beside what is there.
    pub(crate) fn mark(&self, asked: &HeaderMap, out: &mut HeaderMap) {
        let Some(origin) = self.origin(asked) else { return };
        out.append(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        list(out, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose_headers);
        self.credentials(out);
    }

    /// The value of `access-control-allow-origin` for a request, if its origin is allowed.
    fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let asked = headers.get(header::ORIGIN)?;
        let text = asked.to_str().ok()?;
        let rule = self.allow_origins.iter().find(|rule| covers(rule, text))?;
        Some(if rule == "*" { HeaderValue::from_static("*") } else { asked.clone() })
    }

    fn credentials(&self, out: &mut HeaderMap) {
        if self.allow_credentials == Some(true) {
            out.append(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

impl From<eddy_functions::function::Cors> for Cors {
    fn from(cors: eddy_functions::function::Cors) -> Cors {
        Cors {
            allow_credentials: cors.allow_credentials,
            allow_headers: cors.allow_headers,
            allow_methods: cors.allow_methods,
            allow_origins: cors.allow_origins,
            expose_headers: cors.expose_headers,
            max_age_seconds: cors.max_age_seconds.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)),
        }
    }
}

/// Does a rule (`*`, `https://*`, `https://*.example.com`, `https://example.com`) cover an origin?
fn covers(rule: &str, origin: &str) -> bool {
    let Some((front, back)) = rule.split_once('*') else { return rule.eq_ignore_ascii_case(origin) };
    let (front, back, origin) =
        (front.to_ascii_lowercase(), back.to_ascii_lowercase(), origin.to_ascii_lowercase());
    origin.len() >= front.len() + back.len() && origin.starts_with(&front) && origin.ends_with(&back)
}

fn list(out: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if values.is_empty() {
        return;
    }
    // What cannot stand in a header was refused when it was configured.
    if let Ok(value) = HeaderValue::from_str(&values.join(",")) {
        out.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn origins() {
        for (rule, origin, covered) in [
            ("*", "https://a.example", true),
            ("https://*", "https://a.example", true),
            ("https://*", "http://a.example", false),
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "https://A.example", true),
            ("https://a.example", "https://a.example.org", false),
            ("https://*.a.example", "https://x.a.example", true),
            ("https://*.a.example", "https://a.example", false),
        ] {
            assert_eq!(covers(rule, origin), covered, "{rule} {origin}");
        }
    }

    #[test]
    fn a_preflight_of_an_allowed_origin_gets_the_rules() {
        let cors = Cors {
            allow_credentials: Some(true),
            allow_headers: texts(&["authorization", "x-a"]),
            allow_methods: texts(&["GET", "POST"]),
            allow_origins: texts(&["https://a.example"]),
            expose_headers: Vec::new(),
            max_age_seconds: Some(300),
        };
        let response: Response<()> = cors.preflight(StatusCode::NO_CONTENT, &from("https://a.example"));
        let headers: Vec<(&str, &str)> =
            response.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(
            headers,
            [
                ("access-control-allow-origin", "https://a.example"),
                ("access-control-allow-methods", "GET,POST"),
                ("access-control-allow-headers", "authorization,x-a"),
                ("access-control-max-age", "300"),
                ("access-control-allow-credentials", "true"),
            ]
        );
        let other: Response<()> = cors.preflight(StatusCode::NO_CONTENT, &from("https://b.example"));
        assert!(other.headers().is_empty());
    }

    #[test]
    fn a_star_is_answered_with_a_star() {
        let cors = Cors { allow_origins: texts(&["*"]), ..Cors::default() };
        let mut out = HeaderMap::new();
        cors.mark(&from("https://a.example"), &mut out);
        assert_eq!(out[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        out.clear();
        cors.mark(&HeaderMap::new(), &mut out);
        assert!(out.is_empty(), "who names no origin gets no rules");
    }

    #[test]
    fn only_options_with_origin_and_method_is_a_preflight() {
        let mut headers = from("https://a.example");
        assert!(!is_preflight(&Method::OPTIONS, &headers));
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
        assert!(is_preflight(&Method::OPTIONS, &headers));
        assert!(!is_preflight(&Method::GET, &headers));
    }
}
