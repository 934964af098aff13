//! Which bodies are text. Everything else is handed over in base64, a form or a body without a type too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A body as it stands in an event.
pub(super) struct Body {
    /// None when there is none.
    pub(super) text: Option<String>,
    pub(super) is_base64: bool,
}

pub(super) fn of(headers: &HeaderMap, bytes: &[u8]) -> Body {
    if bytes.is_empty() {
        return Body { text: None, is_base64: false };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text(headers) => Body { text: Some(text.to_owned()), is_base64: false },
        Ok(_) | Err(_) => Body { text: Some(STANDARD.encode(bytes)), is_base64: true },
    }
}

/// `text/*`, `application/json`, `application/xml` and `application/javascript`, whatever parameters follow.
pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/xml" | "application/javascript")
}
