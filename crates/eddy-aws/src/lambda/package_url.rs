//! Where a function's package can be fetched without signing the request: a link that carries its own proof, for
//! ten minutes. It names the package by its hash, so it never gives another one than was meant.

use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Account, Fault, Region, Scope};
use eddy_functions::function::Function;
use eddy_identity::Identity;
use eddy_wire::Outgoing;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use ring::hmac;

use crate::{Cx, Engines};

/// What the paths of these links begin with.
pub const PREFIX: &str = "/_eddy/package/";

/// How long a link is good, as on AWS.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// A link to the package of a function as it stands.
pub(super) fn make(cx: &Cx, scope: &Scope, function: &Function) -> String {
    let Scope { account, region } = scope;
    let (name, hash) = (&function.name, function.code.hash.hex());
    let path = format!("{PREFIX}{account}/{region}/{name}/{hash}");
    let expires = cx.env().now().plus(GOOD_FOR).seconds();
    let signature = hex(hmac::sign(&key(&cx.engines.identity), &signed(&path, expires)).as_ref());
    format!("http://{}{path}?expires={expires}&signature={signature}", cx.host)
}

/// Answers a request for a path below [`PREFIX`].
pub fn serve(engines: &Engines, head: &Parts) -> Response<Outgoing> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    if !is_good(engines, head) {
        return plain(
            StatusCode::FORBIDDEN,
            "the link is not good, or not any more: ask GetFunction for another",
        );
    }
    match find(engines, head.uri.path()) {
        Some(function) => package(engines, head, &function),
        None => plain(StatusCode::NOT_FOUND, "the function is gone, or has another package now"),
    }
}

fn is_good(engines: &Engines, head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    let part = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
    };
    let Some(expires) = part("expires").and_then(|text| text.parse::<i64>().ok()) else { return false };
    let Some(signature) = part("signature").and_then(unhex) else { return false };
    let proof = hmac::verify(&key(&engines.identity), &signed(head.uri.path(), expires), &signature);
    proof.is_ok() && engines.store.env().now().seconds() <= expires
}

fn find(engines: &Engines, path: &str) -> Option<Function> {
    let parts: Vec<&str> = path.strip_prefix(PREFIX)?.split('/').collect();
    let [account, region, name, hash] = parts.as_slice() else { return None };
    let scope = Scope { account: Account::new(account).ok()?, region: Region::new(region).ok()? };
    let (function, _) = engines.functions.get(&scope, name).ok()?;
    (function.code.hash.hex() == *hash).then_some(function)
}

fn package(engines: &Engines, head: &Parts, function: &Function) -> Response<Outgoing> {
    let size = function.code.size_bytes;
    let body = if head.method == Method::HEAD {
        Outgoing::empty()
    } else {
        let reader = engines.functions.code(&function.code);
        let pieces = stream::unfold(reader, |mut reader| async move {
            let piece: Result<Bytes, eddy_wire::outgoing::Error> = match reader.next().await {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => return None,
                Err(error) => Err(Fault::from(error).into()),
            };
            Some((piece, reader))
        });
        Outgoing::stream(pieces, Some(size))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    let file = HeaderValue::from_str(&format!("attachment; filename=\"{}.zip\"", function.name));
    headers.insert(CONTENT_DISPOSITION, file.expect("names of functions are plain"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// A key of its own, so that no other signature of the root key is one of these.
fn key(identity: &Identity) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, identity.root().secret_key.as_bytes());
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"eddy package link").as_ref())
}

fn signed(path: &str, expires: i64) -> Vec<u8> {
    format!("{path}\n{expires}").into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read_as_they_are_written() {
        let bytes: Vec<u8> = (0..32).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        for text in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
