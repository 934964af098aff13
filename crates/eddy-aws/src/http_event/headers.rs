//! Request headers as events have them, with those that the service adds.

use std::collections::BTreeMap;

use eddy_base::{Id, Timestamp};
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
    set(TRACE, head.trace.clone());
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

/// The trace header of a request: the client's own, else a new root.
pub(super) fn trace(headers: &HeaderMap, id: Id, at: Timestamp) -> String {
    let own = headers.get(TRACE).and_then(|value| value.to_str().ok());
    own.map_or_else(|| eddy_runtime::new_root(at, id), ToOwned::to_owned)
}
