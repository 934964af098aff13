//! The one spelling of a request that both sides sign.

use std::borrow::Cow;
use std::fmt::Write as _;

use http::request::Parts;

/// Escapes everything but `A-Z a-z 0-9 - . _ ~`, and `/` where it is kept.
pub(super) fn escape(bytes: &[u8], keep_slash: bool, out: &mut String) {
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            b'/' if keep_slash => out.push('/'),
            _ => write!(out, "%{byte:02X}").expect("writing to a string does not fail"),
        }
    }
}

/// Undoes percent escapes. An escape that is none stays as it is.
pub(super) fn unescape(text: &str) -> Cow<'_, [u8]> {
    percent_encoding::percent_decode_str(text).into()
}

/// The path of every service but S3: dot segments and doubled slashes removed, escaped once more.
pub(super) fn path_encoded_twice(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut out = String::with_capacity(path.len() + 8);
    for segment in &segments {
        out.push('/');
        escape(segment.as_bytes(), false, &mut out);
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

/// The path of S3 in strict spelling: undone and escaped once.
pub(super) fn path_encoded_once(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    escape(&unescape(path), true, &mut out);
    out
}

/// The query, each name and value in strict spelling, sorted; without the parameter `leave_out`.
pub(super) fn query(raw: &str, leave_out: Option<&str>) -> String {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in raw.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if leave_out == Some(name) {
            continue;
        }
        pairs.push((strict(name), strict(value)));
    }
    pairs.sort();
    let mut out = String::with_capacity(raw.len());
    for (name, value) in &pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    out
}

fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&unescape(text), false, &mut out);
    out
}

/// The values of a header as they are signed: trimmed, runs of spaces made one, several joined by commas.
/// `host` comes from the URI where HTTP/2 puts it there. `None` when the request has no such header.
pub(super) fn header(head: &Parts, name: &str) -> Option<Vec<u8>> {
    let mut values = head.headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        let authority = head.uri.authority().filter(|_| name == "host")?;
        return Some(authority.as_str().as_bytes().to_vec());
    }
    let mut out = Vec::new();
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        squeeze(value.as_bytes(), &mut out);
    }
    Some(out)
}

fn squeeze(value: &[u8], out: &mut Vec<u8>) {
    let mut gap = false;
    for &byte in value.trim_ascii() {
        if byte == b' ' {
            gap = true;
            continue;
        }
        if gap {
            out.push(b' ');
            gap = false;
        }
        out.push(byte);
    }
}

/// The whole canonical request.
pub(super) fn request(
    head: &Parts,
    path: &str,
    query: &str,
    signed_headers: &[String],
    payload: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    for line in [head.method.as_str(), path, query] {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    for name in signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        // A signed header that a proxy dropped counts as empty, and then the signature does not match.
        out.extend_from_slice(&header(head, name).unwrap_or_default());
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.join(";").as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload.as_bytes());
    out
}

/// The values of a query parameter, unescaped, by its exact name.
pub(super) fn parameter(raw: &str, name: &str) -> Option<String> {
    raw.split('&').find_map(|part| {
        let (found, value) = part.split_once('=').unwrap_or((part, ""));
        (found == name).then(|| String::from_utf8_lossy(&unescape(value)).into_owned())
    })
}
