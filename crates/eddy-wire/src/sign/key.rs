//! Hashes and signing keys.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::{digest, hmac};

use super::CredentialScope;

/// Signing keys kept at once. A key is one per access key, day, region and service; jails bring one each.
const KEYS_MAX: usize = 4096;

/// Signing keys that were derived before, so that a request costs two HMACs and not six.
#[derive(Default)]
pub struct Keys {
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    secret: String,
    key: hmac::Key,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// The signing key of `access_key` for a scope, from memory or derived from its secret.
    pub fn get(&self, access_key: &str, secret: &str, scope: &CredentialScope) -> hmac::Key {
        let name = format!("{access_key}/{}/{}/{}", scope.date, scope.region, scope.service);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&name).filter(|found| found.secret == secret) {
            return found.key.clone();
        }
        let key = derive(secret, scope);
        if known.len() >= KEYS_MAX {
            // Rare, and cheaper to start over than to keep an order of use.
            known.clear();
        }
        known.insert(name, Known { secret: secret.to_owned(), key: key.clone() });
        key
    }
}

/// `HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request")`.
pub(super) fn derive(secret: &str, scope: &CredentialScope) -> hmac::Key {
    let start = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [scope.date.as_str(), &scope.region, &scope.service, "aws4_request"].iter().fold(start, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    })
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// HMAC-SHA256 of a text, in lower-case hexadecimal: the form of every SigV4 signature.
pub fn hmac_sha256(key: &hmac::Key, text: &[u8]) -> String {
    hex(hmac::sign(key, text).as_ref())
}

/// HMAC-SHA1, which only SigV2 still asks for.
pub(super) fn hmac_sha1(secret: &str, text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes()), text)
}

/// Equal, in time that does not depend on where they differ.
pub(super) fn same(left: &str, right: &str) -> bool {
    use subtle::ConstantTimeEq;
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
