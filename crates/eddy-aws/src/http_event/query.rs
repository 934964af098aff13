//! Query strings, decoded.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Names and values in the order of the query. `+` is a space; a name without `=` has an empty value.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Broken escapes stay as they are, broken UTF-8 becomes U+FFFD.
fn decode(text: &str) -> String {
    let text = if text.contains('+') { Cow::from(text.replace('+', " ")) } else { Cow::from(text) };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}
