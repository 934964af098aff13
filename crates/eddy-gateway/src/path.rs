//! How an HTTP API reads the path of a request.
//!
//! Captures of the real service (July 2026) show that a path is decoded, read as a URL again and decoded once
//! more: `%20` arrives as a space, `%2F` as a slash, `%252F` too, what follows `%3F` is lost, and `%25` that
//! leaves a broken escape is refused. Function URLs hand the path on as it was sent; they do not use this.

use percent_encoding::percent_decode_str;

/// The path cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path has a broken escape or is not UTF-8")]
pub(crate) struct Unreadable;

/// The path as routes are matched against it and as functions see it.
pub(crate) fn read(sent: &str) -> Result<String, Unreadable> {
    let once = decode(sent)?;
    let path = once.split('?').next().unwrap_or_default();
    decode(path)
}

/// Decodes escapes once, without mercy for broken ones.
pub(crate) fn decode(text: &str) -> Result<String, Unreadable> {
    let bytes = text.as_bytes();
    let broken =
        |at: usize| !bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && broken(at)) {
        return Err(Unreadable);
    }
    percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| Unreadable)
}

/// The path of a request with a named stage in front, without it: `/test/a` of `test` is `/a`, `/test` is `/`.
pub(crate) fn below<'a>(path: &'a str, stage: &str) -> Option<&'a str> {
    let rest = path.strip_prefix('/')?.strip_prefix(stage)?;
    match rest.as_bytes().first() {
        None => Some("/"),
        Some(b'/') => Some(rest),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_as_the_real_service_reads_them() {
        for (sent, read_as) in [
            ("/capture/plain", Some("/capture/plain")),
            ("/capture/space%20value", Some("/capture/space value")),
            ("/capture/question%3Fvalue", Some("/capture/question")),
            ("/capture/percent%25done", None),
            ("/capture/hash%23value", Some("/capture/hash#value")),
            ("/capture/slash%2Fvalue", Some("/capture/slash/value")),
            ("/capture/%CE%BB-%E4%B8%96", Some("/capture/λ-世")),
            ("/capture/literal%252Fvalue", Some("/capture/literal/value")),
            ("/capture/literal%253Fvalue", Some("/capture/literal?value")),
            ("/capture/literal%2525value", Some("/capture/literal%value")),
            ("/capture/%ff", None),
            ("/capture/%", None),
        ] {
            assert_eq!(read(sent).ok().as_deref(), read_as, "{sent}");
        }
    }

    #[test]
    fn a_stage_is_a_whole_segment() {
        assert_eq!(below("/test/a", "test"), Some("/a"));
        assert_eq!(below("/test/", "test"), Some("/"));
        assert_eq!(below("/test", "test"), Some("/"));
        assert_eq!(below("/tests", "test"), None);
        assert_eq!(below("/a/test", "test"), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(path in "(/|%|[0-9a-f]|\\PC){0,30}") {
            let _ = read(&path);
        }
    }
}
