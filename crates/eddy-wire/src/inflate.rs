//! Compressed requests: SDKs gzip what is large (PutMetricData above 10 KiB).

use std::io::Read;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{StatusCode, request::Parts};

use crate::Error;
use crate::limits::INFLATED_BYTES_MAX;

/// The body as its sender meant it: inflated if the head says `gzip` and it is, else unchanged. Asking twice
/// does no harm.
///
/// # Errors
/// 400 for a broken stream, 413 for one that inflates to more than [`INFLATED_BYTES_MAX`].
pub fn inflate(head: &Parts, body: Bytes) -> Result<Bytes, Error> {
    let encodings = head.headers.get_all(CONTENT_ENCODING).iter();
    let says_gzip = encodings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|encoding| encoding.trim().eq_ignore_ascii_case("gzip"));
    // JSON, CBOR maps, XML and forms never begin like this, so what was inflated before is left alone.
    if !says_gzip || !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body);
    }
    let mut inflated = Vec::new();
    let bound = INFLATED_BYTES_MAX as u64 + 1;
    let read = flate2::read::MultiGzDecoder::new(&body[..]).take(bound).read_to_end(&mut inflated);
    if read.is_err() {
        return Err(Error::new("SerializationException", "The request body is not valid gzip.")
            .with_status(StatusCode::BAD_REQUEST));
    }
    if inflated.len() > INFLATED_BYTES_MAX {
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
        let body = inflate(&head("gzip"), gzip(b"{}")).expect("valid");
        assert_eq!(body, "{}");
        assert_eq!(inflate(&head("gzip"), body).expect("valid"), "{}");
        assert_eq!(inflate(&head("identity"), gzip(b"{}")).expect("valid"), gzip(b"{}"));
    }

    #[test]
    fn bombs_and_garbage_are_refused() {
        let bomb = gzip(&vec![0; INFLATED_BYTES_MAX + 1]);
        assert_eq!(inflate(&head("GZIP"), bomb).unwrap_err().status, Some(StatusCode::PAYLOAD_TOO_LARGE));
        let cut = gzip(b"abcdefgh").slice(..12);
        assert_eq!(inflate(&head("gzip"), cut).unwrap_err().status, Some(StatusCode::BAD_REQUEST));
    }
}
