//! Compressed requests: SDKs gzip what is large (PutMetricData above 10 KiB).

use std::io::Read;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{StatusCode, request::Parts};

use crate::Error;

/// The body as its sender meant it: inflated if the head says `gzip` and it is, else unchanged. `bytes_max` is what
/// would be taken uncompressed, and no more is ever held.
///
/// # Errors
/// 400 for a broken stream, 413 for one that inflates to more than `bytes_max`.
pub fn inflate(head: &Parts, body: Bytes, bytes_max: u64) -> Result<Bytes, Error> {
    let encodings = head.headers.get_all(CONTENT_ENCODING).iter();
    let says_gzip = encodings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|encoding| encoding.trim().eq_ignore_ascii_case("gzip"));
    // JSON, CBOR maps, XML and forms never begin like this.
    if !says_gzip || !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body);
    }
    let mut inflated = Vec::new();
    let bound = bytes_max.saturating_add(1);
    let read = flate2::read::MultiGzDecoder::new(&body[..]).take(bound).read_to_end(&mut inflated);
    if read.is_err() {
        return Err(Error::new("SerializationException", "The request body is not valid gzip.")
            .with_status(StatusCode::BAD_REQUEST));
    }
    if inflated.len() as u64 > bytes_max {
        return Err(Error::new("RequestEntityTooLargeException", "The request body inflates to too much.")
            .with_status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(inflated.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn head(encoding: &str) -> Parts {
        http::Request::post("/")
            .header(CONTENT_ENCODING, encoding)
            .body(())
            .expect("a request")
            .into_parts()
            .0
    }

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory").into()
    }

    #[test]
    fn gzip_is_undone_once() {
        let inflate = |encoding, body| inflate(&head(encoding), body, 100).expect("valid");
        assert_eq!(inflate("gzip", gzip(b"{}")), "{}");
        assert_eq!(inflate("gzip", Bytes::from_static(b"{}")), "{}");
        assert_eq!(inflate("gzip", gzip(&gzip(b"{}"))), gzip(b"{}"));
        assert_eq!(inflate("identity", gzip(b"{}")), gzip(b"{}"));
    }

    #[test]
    fn bombs_and_garbage_are_refused() {
        let status = |body, bytes_max| inflate(&head("GZIP"), body, bytes_max).map_err(|why| why.status);
        assert_eq!(status(gzip(&[0; 1000]), 999), Err(Some(StatusCode::PAYLOAD_TOO_LARGE)));
        assert_eq!(status(gzip(&[0; 1000]), 1000), Ok(vec![0; 1000].into()));
        assert_eq!(status(gzip(b"abcdefgh").slice(..12), 1000), Err(Some(StatusCode::BAD_REQUEST)));
    }
}
