//! The chain of signatures over the chunks of a streamed body.

use ring::hmac;

use super::key::{hmac_sha256, same, sha256_hex};
use super::{CredentialScope, EMPTY_SHA256};

/// Signs or checks one chunk after the other; each signature covers the one before it, and the first one
/// covers that of the head.
#[derive(Debug, Clone)]
pub struct ChunkSigner {
    key: hmac::Key,
    at_text: String,
    scope: String,
    previous: String,
}

impl ChunkSigner {
    pub(super) fn new(key: hmac::Key, at_text: String, scope: &CredentialScope, seed: String) -> ChunkSigner {
        ChunkSigner { key, at_text, scope: scope.to_string(), previous: seed }
    }

    /// The signature of the next chunk, whose SHA-256 is given in hexadecimal.
    pub fn chunk(&mut self, sha256: &str) -> String {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{EMPTY_SHA256}\n{sha256}",
            self.at_text, self.scope, self.previous
        );
        self.previous = hmac_sha256(&self.key, text.as_bytes());
        self.previous.clone()
    }

    /// The signature of the trailers: lines `name:value`, each ended by a newline.
    pub fn trailer(&mut self, lines: &[u8]) -> String {
        let text = format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}",
            self.at_text,
            self.scope,
            self.previous,
            sha256_hex(lines)
        );
        self.previous = hmac_sha256(&self.key, text.as_bytes());
        self.previous.clone()
    }

    /// Is this the signature of the next chunk? In constant time.
    #[must_use]
    pub fn is_chunk(&mut self, sha256: &str, signature: &str) -> bool {
        same(&self.chunk(sha256), signature)
    }

    /// Is this the signature of the trailers? In constant time.
    #[must_use]
    pub fn is_trailer(&mut self, lines: &[u8], signature: &str) -> bool {
        same(&self.trailer(lines), signature)
    }
}
