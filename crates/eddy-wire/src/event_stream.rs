//! `application/vnd.amazon.eventstream`: messages in frames, each with its checksums.
//!
//! A frame is its length and that of its headers (4 bytes each, big endian), the CRC32 of those 8 bytes,
//! headers, payload, and the CRC32 of all before it. Only text headers are written; reading takes all kinds
//! and keeps the text.

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::{FRAME_BYTES_MAX, FRAME_HEADERS_BYTES_MAX};
use crate::{Document, Error, Protocol, Struct, codec};

/// What a body of frames is declared as.
pub const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";

/// Prelude, its checksum, and the checksum of the frame.
const OVERHEAD_BYTES: usize = 16;
/// The type number of a text header.
const TEXT: u8 = 7;

/// Writes one frame.
///
/// # Panics
/// If a header's name is longer than 255 bytes or its value than 65,535, or the frame is larger than
/// [`FRAME_BYTES_MAX`]: all are of our own making.
pub fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let header_bytes: usize = headers.iter().map(|(name, value)| 4 + name.len() + value.len()).sum();
    let length = OVERHEAD_BYTES + header_bytes + payload.len();
    assert!(
        length <= FRAME_BYTES_MAX && header_bytes <= FRAME_HEADERS_BYTES_MAX,
        "a frame of {length} bytes"
    );
    let mut frame = BytesMut::with_capacity(length);
    frame.put_u32(u32::try_from(length).expect("bounded above"));
    frame.put_u32(u32::try_from(header_bytes).expect("bounded above"));
    frame.put_u32(crc32(&frame));
    for (name, value) in headers {
        frame.put_u8(u8::try_from(name.len()).expect("names of headers are short"));
        frame.put_slice(name.as_bytes());
        frame.put_u8(TEXT);
        frame.put_u16(u16::try_from(value.len()).expect("values of headers are short"));
        frame.put_slice(value.as_bytes());
    }
    frame.put_slice(payload);
    frame.put_u32(crc32(&frame));
    frame.freeze()
}

/// The first frame of an RPC protocol: the output's members besides the stream, already written.
pub fn initial_response(media_type: &str, payload: &[u8]) -> Bytes {
    let headers =
        [(":event-type", "initial-response"), (":content-type", media_type), (":message-type", "event")];
    frame(&headers, payload)
}

/// One event: `event` is the stream's structure with exactly one member set, whose name is the event's.
///
/// # Errors
/// If not exactly one member is set.
pub fn event(protocol: Protocol, event: &Struct) -> Result<Bytes, Error> {
    let set: Vec<_> = event.iter().collect();
    let [(member, Document::Struct(value))] = set.as_slice() else {
        return Err(Error::internal(format!("{event:?} is not one event")));
    };
    let payload = value.iter().find(|(member, _)| member.event_payload);
    let (media, body) = match payload {
        Some((_, Document::Blob(bytes))) => ("application/octet-stream", bytes.to_vec()),
        Some((_, Document::Text(text))) => ("text/plain", text.clone().into_bytes()),
        Some((_, Document::Struct(inner))) => codec::event_body(protocol, inner),
        _ => codec::event_body(protocol, value),
    };
    let headers = [(":event-type", member.name), (":content-type", media), (":message-type", "event")];
    Ok(frame(&headers, &body))
}

/// The last frame of a stream that fails with an error of its model, where bodies are JSON.
pub fn exception(name: &str, message: &str) -> Bytes {
    let body = serde_json::json!({ "message": message }).to_string();
    let headers =
        [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    frame(&headers, body.as_bytes())
}

/// The last frame of a stream that fails with an error that its model does not have.
pub fn error(code: &str, message: &str) -> Bytes {
    frame(&[(":message-type", "error"), (":error-code", code), (":error-message", message)], &[])
}

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Text headers, in their order; those of other kinds are left out.
    pub headers: Vec<(String, String)>,
    pub payload: Bytes,
}

impl Frame {
    /// A text header by its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Takes the first frame off `bytes`; `None` while it is not whole.
    ///
    /// # Errors
    /// A sentence, for a frame that is too large, whose checksums are wrong or whose headers do not end where
    /// they should. What follows it cannot be read either.
    pub fn take(bytes: &mut Bytes) -> Result<Option<Frame>, &'static str> {
        if bytes.len() < OVERHEAD_BYTES {
            return Ok(None);
        }
        let length = number(bytes, 0) as usize;
        let header_bytes = number(bytes, 4) as usize;
        if number(bytes, 8) != crc32(&bytes[..8]) {
            return Err("the checksum of the prelude is wrong");
        }
        if length > FRAME_BYTES_MAX || header_bytes > FRAME_HEADERS_BYTES_MAX {
            return Err("the frame is too large");
        }
        if length < OVERHEAD_BYTES + header_bytes {
            return Err("the headers are longer than the frame");
        }
        if bytes.len() < length {
            return Ok(None);
        }
        let frame = bytes.split_to(length);
        if number(&frame, length - 4) != crc32(&frame[..length - 4]) {
            return Err("the checksum of the frame is wrong");
        }
        let headers = read_headers(&frame[12..12 + header_bytes])?;
        Ok(Some(Frame { headers, payload: frame.slice(12 + header_bytes..length - 4) }))
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes[at..at + 4].try_into().expect("four bytes");
    u32::from_be_bytes(four)
}

fn read_headers(mut bytes: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    const CUT: &str = "a header is cut off";
    let mut headers = Vec::new();
    while let Some((&name_length, rest)) = bytes.split_first() {
        let (name, rest) = rest.split_at_checked(name_length.into()).ok_or(CUT)?;
        let (&kind, rest) = rest.split_first().ok_or(CUT)?;
        // True, false, 8, 16, 32 and 64 bits, bytes, text, a time, a UUID.
        let (length, rest) = match kind {
            0 | 1 => (0, rest),
            2 => (1, rest),
            3 => (2, rest),
            4 => (4, rest),
            5 | 8 => (8, rest),
            6 | TEXT => {
                let (length, rest) = rest.split_at_checked(2).ok_or(CUT)?;
                (usize::from(u16::from_be_bytes([length[0], length[1]])), rest)
            }
            9 => (16, rest),
            _ => return Err("a header is of no known kind"),
        };
        let (value, rest) = rest.split_at_checked(length).ok_or(CUT)?;
        if kind == TEXT {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "a header is not UTF-8");
            headers.push((text(name)?, text(value)?));
        }
        bytes = rest;
    }
    Ok(headers)
}

fn crc32(bytes: &[u8]) -> u32 {
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, bytes);
    u32::try_from(sum).expect("a CRC32 has 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_laid_out_as_specified() {
        // An empty frame, and one with a header: from the description of the format.
        let empty = frame(&[], b"");
        assert_eq!(empty[..8], [0, 0, 0, 16, 0, 0, 0, 0]);
        assert_eq!(empty[8..], [0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff]);
        let framed = frame(&[("k", "vv")], b"xyz");
        assert_eq!(framed[12..22], [1, b'k', 7, 0, 2, b'v', b'v', b'x', b'y', b'z']);
    }

    #[test]
    fn frames_come_back_one_by_one() {
        let mut bytes = BytesMut::new();
        bytes.put(frame(&[(":message-type", "event")], b"one"));
        bytes.put(frame(&[], b""));
        let mut bytes = bytes.freeze();
        let mut cut = bytes.slice(..10);
        assert_eq!(Frame::take(&mut cut), Ok(None));
        let first = Frame::take(&mut bytes).expect("valid").expect("whole");
        assert_eq!((first.header(":message-type"), &first.payload[..]), (Some("event"), &b"one"[..]));
        assert!(Frame::take(&mut bytes).expect("valid").expect("whole").payload.is_empty());
        assert!(bytes.is_empty());
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let good = frame(&[("a", "b")], b"payload");
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            assert!(!matches!(Frame::take(&mut bad.into()), Ok(Some(_))), "{at}");
        }
    }
}
