//! Request headers as events have them, with those that the service adds.

use std::collections::BTreeMap;

use eddy_gateway::Head;
use http::header::{self, HeaderMap, HeaderName};

const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers that belong to one connection, not to the request.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// All values by name in lower case.
pub(super) fn all(head: &Head, body_bytes: usize) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in head.headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(name)) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.as_str().to_owned()).or_default().push(value);
    }
    let mut set = |name: HeaderName, value: String| all.insert(name.as_str().to_owned(), vec![value]);
    if body_bytes > 0 || head.headers.contains_key(header::CONTENT_LENGTH) {
        set(header::CONTENT_LENGTH, body_bytes.to_string());
    }
    set(FORWARDED_FOR, forwarded_for(head));
    set(FORWARDED_PORT, head.port.to_string());
    set(FORWARDED_PROTO, "http".to_owned());
    if !head.headers.contains_key(header::HOST) {
        set(header::HOST, head.domain.clone());
    }
    if !head.headers.contains_key(TRACE) {
        set(TRACE, trace(head));
    }
    all
}

/// The cookies of all `cookie` headers.
pub(super) fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::COOKIE).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let cookies = texts
        .flat_map(|text| text.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<String>>());
    cookies.filter(|cookie| !cookie.is_empty()).collect()
}

pub(super) fn user_agent(headers: &HeaderMap) -> String {
    let value = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.unwrap_or_default().into_owned()
}

fn forwarded_for(head: &Head) -> String {
    let before =
        head.headers.get_all(&FORWARDED_FOR).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut hops: Vec<String> = before.map(|value| value.into_owned()).collect();
    hops.push(head.source.to_string());
    hops.join(", ")
}

/// `Root=1-` seconds in hexadecimal `-` 24 hexadecimal digits, here of the request's id.
fn trace(head: &Head) -> String {
    let digits: String = head.id.to_string().chars().filter(char::is_ascii_hexdigit).take(24).collect();
    format!("Root=1-{:08x}-{digits}", head.at.seconds())
}
