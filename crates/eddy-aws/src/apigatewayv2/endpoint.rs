//! Where an API answers.

use crate::Cx;

/// `http://ID.execute-api.localhost:PORT`, at the domain and port that the client has reached us by. Unlike on
/// AWS it is plain HTTP, and names no region: an id is unique.
pub(super) fn of(cx: &Cx, id: &str) -> String {
    let (name, port) = match cx.host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, format!(":{port}"))
        }
        Some(_) | None => (&*cx.host, String::new()),
    };
    let mut domains = cx.engines.settings.domains.iter().map(String::as_str);
    let below = |domain: &&str| {
        name.len() >= domain.len()
            && name.is_char_boundary(name.len() - domain.len())
            && name[name.len() - domain.len()..].eq_ignore_ascii_case(domain)
    };
    let base = domains.find(below).unwrap_or("localhost");
    format!("http://{id}.execute-api.{base}{port}")
}
