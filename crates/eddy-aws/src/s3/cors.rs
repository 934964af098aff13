//! What pages of other origins may do with a bucket ("Using cross-origin resource sharing" of the S3 user guide).
//!
//! The rules are tried in their order, and the first that fits answers: for a browser that asks before it sends, and
//! for every request that says which origin it comes from, whatever becomes of it. That a rule fits lets nobody in:
//! it only tells the browser what the page may see.

use std::collections::HashSet;

use eddy_base::{Code, Fault, Subject};
use eddy_objects::{Objects, OriginRule};
use eddy_wire::Outgoing;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::fault;
use super::limits::{CORS_RULES_MAX, RULE_ID_CHARS_MAX};

/// The methods that rules know.
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

const NOT_ALLOWED: &str = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of \
     Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by \
     the resource's CORS spec.";

/// One rule of the document.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    id: Option<String>,
    allowed_headers: Option<Vec<String>>,
    allowed_methods: Vec<String>,
    allowed_origins: Vec<String>,
    expose_headers: Option<Vec<String>>,
    max_age_seconds: Option<i64>,
}

/// # Errors
/// Too many rules; methods that rules do not know; more than one `*` in an origin or header; an id twice.
pub(super) fn checked(rules: Vec<Rule>) -> Result<Vec<OriginRule>, Fault> {
    if rules.len() > CORS_RULES_MAX {
        let text =
            format!("The number of CORS rules should not exceed allowed limit of {CORS_RULES_MAX} rules.");
        return Err(fault::invalid_request(text));
    }
    let mut ids = HashSet::new();
    if !rules.iter().filter_map(|rule| rule.id.as_deref()).all(|id| ids.insert(id)) {
        let text = "Rule ID must be unique. Found same ID for more than one rule";
        return Err(fault::invalid("InvalidArgument", text));
    }
    rules.into_iter().map(Rule::checked).collect()
}

impl Rule {
    fn checked(self) -> Result<OriginRule, Fault> {
        if self.id.as_ref().is_some_and(|id| id.chars().count() > RULE_ID_CHARS_MAX) {
            let text = format!("ID length should not exceed allowed limit of {RULE_ID_CHARS_MAX}");
            return Err(fault::invalid("InvalidArgument", text));
        }
        if let Some(method) = self.allowed_methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            return Err(fault::invalid_request(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        let request_headers = self.allowed_headers.unwrap_or_default();
        one_wildcard("AllowedOrigin", &self.allowed_origins)?;
        one_wildcard("AllowedHeader", &request_headers)?;
        let exposed_headers = self.expose_headers.unwrap_or_default();
        check_exposed(&exposed_headers)?;
        let seconds = self.max_age_seconds.map(u32::try_from).transpose();
        let max_age_seconds = seconds.map_err(|_| fault::malformed_xml())?;
        let (origins, methods) = (self.allowed_origins, self.allowed_methods);
        Ok(OriginRule { id: self.id, origins, methods, request_headers, exposed_headers, max_age_seconds })
    }

    /// As it was given.
    pub(super) fn of(rule: OriginRule) -> Rule {
        let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
        Rule {
            id: rule.id,
            allowed_headers: some(rule.request_headers),
            allowed_methods: rule.methods,
            allowed_origins: rule.origins,
            expose_headers: some(rule.exposed_headers),
            max_age_seconds: rule.max_age_seconds.map(i64::from),
        }
    }
}

fn one_wildcard(element: &str, patterns: &[String]) -> Result<(), Fault> {
    if patterns.iter().any(String::is_empty) {
        return Err(fault::malformed_xml());
    }
    match patterns.iter().find(|pattern| pattern.matches('*').count() > 1) {
        Some(pattern) => Err(fault::invalid_request(format!(
            "{element} \"{pattern}\" can not have more than one wildcard."
        ))),
        None => Ok(()),
    }
}

fn check_exposed(headers: &[String]) -> Result<(), Fault> {
    for name in headers {
        if name.contains('*') {
            return Err(fault::invalid_request(format!(
                "ExposeHeader \"{name}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            )));
        }
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(fault::invalid_request(format!(
                "ExposeHeader \"{name}\" contains invalid character."
            )));
        }
    }
    Ok(())
}

/// What a request asks of the rules.
struct Asked<'a> {
    origin: &'a str,
    method: &'a str,
    /// Lower-case names of the headers that it would send.
    headers: Vec<String>,
}

/// Answers a browser's question before it sends a request of another origin (OPTIONS). It is never signed.
///
/// # Errors
/// A question without origin or method; 403 where no rule fits.
pub(crate) fn preflight(
    objects: &Objects,
    head: &Parts,
    bucket_in_host: Option<&str>,
) -> Result<Response<Outgoing>, Fault> {
    let Some(origin) = text(head, header::ORIGIN) else {
        return Err(fault::invalid("BadRequest", "Insufficient information. Origin request header needed."));
    };
    let method = text(head, header::ACCESS_CONTROL_REQUEST_METHOD);
    let Some(method) = method.filter(|method| METHODS.contains(method)) else {
        let text = format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null"));
        return Err(fault::invalid("BadRequest", text));
    };
    let headers = text(head, header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default().split(',');
    let headers = headers.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty());
    let asked = Asked { origin, method, headers: headers.collect() };
    let (bucket, key) = address(head, bucket_in_host);
    let forbidden = |text: &'static str| {
        fault::named(Code::Denied, Subject::Bucket, "AccessForbidden", text)
            .with("Method", method)
            .with("ResourceType", if key.is_empty() { "BUCKET" } else { "OBJECT" })
    };
    let rules = objects.origin_rules(&bucket).map_err(|_| forbidden("CORSResponse: Bucket not found"))?.value;
    if rules.is_empty() {
        return Err(forbidden("CORSResponse: CORS is not enabled for this bucket."));
    }
    let answer = answer(&rules, &asked).ok_or_else(|| forbidden(NOT_ALLOWED))?;
    let mut response = Response::new(Outgoing::empty());
    *response.headers_mut() = answer;
    Ok(response)
}

/// The headers of the answer to a request of another origin, none where no rule fits it.
pub(crate) fn cross_origin(objects: &Objects, head: &Parts, bucket_in_host: Option<&str>) -> HeaderMap {
    // The question has its own answer.
    let Some(origin) = text(head, header::ORIGIN).filter(|_| head.method != Method::OPTIONS) else {
        return HeaderMap::new();
    };
    let (bucket, _) = address(head, bucket_in_host);
    let Ok(rules) = objects.origin_rules(&bucket) else { return HeaderMap::new() };
    let asked = Asked { origin, method: head.method.as_str(), headers: Vec::new() };
    answer(&rules.value, &asked).unwrap_or_default()
}

fn text(head: &Parts, name: HeaderName) -> Option<&str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// Bucket and key.
fn address(head: &Parts, bucket_in_host: Option<&str>) -> (String, String) {
    let path = percent_decode_str(head.uri.path().strip_prefix('/').unwrap_or_default()).decode_utf8_lossy();
    match bucket_in_host {
        Some(bucket) => (bucket.to_owned(), path.into_owned()),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
            (bucket.to_owned(), key.to_owned())
        }
    }
}

/// What the first rule that fits says.
fn answer(rules: &[OriginRule], asked: &Asked<'_>) -> Option<HeaderMap> {
    rules.iter().find_map(|rule| {
        let origin = rule.origins.iter().find(|pattern| fits(pattern, asked.origin))?;
        let allows = |name: &String| {
            rule.request_headers.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), name))
        };
        let is_allowed =
            rule.methods.iter().any(|method| method == asked.method) && asked.headers.iter().all(allows);
        is_allowed.then(|| told(rule, origin == "*", asked))
    })
}

/// Does `text` have the form of the pattern, whose one `*` stands for anything?
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
        }
    }
}

fn told(rule: &OriginRule, is_for_all: bool, asked: &Asked<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: &str| {
        // The owner's texts are checked when they come; a page's that no header can hold are not said again.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ACCESS_CONTROL_ALLOW_ORIGIN, if is_for_all { "*" } else { asked.origin });
    if !is_for_all {
        put(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    put(header::ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
    if !asked.headers.is_empty() {
        put(header::ACCESS_CONTROL_ALLOW_HEADERS, &asked.headers.join(", "));
    }
    if !rule.exposed_headers.is_empty() {
        put(header::ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed_headers.join(", "));
    }
    if let Some(seconds) = rule.max_age_seconds {
        put(header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    put(header::VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> Rule {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Rule {
            id: None,
            allowed_headers: Some(list(headers)),
            allowed_methods: list(methods),
            allowed_origins: list(origins),
            expose_headers: None,
            max_age_seconds: None,
        }
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let rules = vec![
            Rule {
                max_age_seconds: Some(1),
                ..rule(&["http://a", "http://*.b"], &["GET"], &["X-Amz-*", "range"])
            },
            Rule { max_age_seconds: Some(2), ..rule(&["http://a"], &["PUT", "GET"], &["*"]) },
            Rule { max_age_seconds: Some(3), ..rule(&["*"], &["HEAD"], &[]) },
        ];
        let rules = checked(rules).expect("sound");
        let check = |origin: &str, method: &str, headers: &[&str], expected: Option<(&str, &str)>| {
            let headers = headers.iter().map(|name| (*name).to_owned()).collect();
            let answer = answer(&rules, &Asked { origin, method, headers });
            let told = answer.as_ref().map(|headers| {
                let value = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
                (
                    value("access-control-allow-origin").expect("told"),
                    value("access-control-max-age").expect("told"),
                )
            });
            assert_eq!(told, expected, "{origin} {method}");
        };
        check("http://a", "GET", &[], Some(("http://a", "1")));
        check("http://a", "GET", &["x-amz-date", "range"], Some(("http://a", "1")));
        check("http://a", "GET", &["other"], Some(("http://a", "2")));
        check("http://a", "DELETE", &[], None);
        check("http://x.b", "GET", &[], Some(("http://x.b", "1")));
        check("http://.b", "GET", &[], Some(("http://.b", "1")));
        check("http://b", "GET", &[], None);
        check("HTTP://A", "GET", &[], None);
        check("http://anyone", "HEAD", &[], Some(("*", "3")));
        check("http://anyone", "HEAD", &["range"], None);
    }

    #[test]
    fn rules_have_rules() {
        let check = |rule: Rule, expected: &str| {
            let fault = checked(vec![rule]).expect_err("refused");
            assert_eq!(fault.message, expected);
        };
        let two = "can not have more than one wildcard.";
        check(rule(&["*a*"], &["GET"], &[]), &format!("AllowedOrigin \"*a*\" {two}"));
        check(rule(&["*"], &["GET"], &["**"]), &format!("AllowedHeader \"**\" {two}"));
        let unsupported = "Found unsupported HTTP method in CORS config. Unsupported method is";
        check(rule(&["*"], &["PATCH"], &[]), &format!("{unsupported} PATCH"));
        check(rule(&["*"], &["get"], &[]), &format!("{unsupported} get"));
        let exposing =
            |name: &str| Rule { expose_headers: Some(vec![name.into()]), ..rule(&["*"], &["GET"], &[]) };
        check(
            exposing("*"),
            "ExposeHeader \"*\" contains wildcard. We currently do not support wildcard for ExposeHeader.",
        );
        check(exposing("a b"), "ExposeHeader \"a b\" contains invalid character.");
        let named = || Rule { id: Some("a".into()), ..rule(&["*"], &["GET"], &[]) };
        assert!(checked(vec![named(), named()]).is_err());
        let many = |count: usize| (0..count).map(|_| rule(&["*"], &["GET"], &[])).collect();
        assert!(checked(many(100)).is_ok());
        assert!(checked(many(101)).is_err());
        let negative = Rule { max_age_seconds: Some(-1), ..rule(&["*"], &["GET"], &[]) };
        assert_eq!(checked(vec![negative]).expect_err("refused").name, Some("MalformedXML"));
    }
}
