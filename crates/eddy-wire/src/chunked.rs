//! `aws-chunked`: a body in chunks with their signatures, and trailers at the end.
//!
//! ```text
//! 400;chunk-signature=<64 digits>\r\n  <0x400 bytes>\r\n
//! 0;chunk-signature=<64 digits>\r\n
//! x-amz-checksum-crc32:sOO8/Q==\r\n
//! x-amz-trailer-signature:<64 digits>\r\n
//! \r\n
//! ```
//! The decoder is a pure machine over bytes as they come; data passes through without a copy. A chunk's
//! signature is known only at its end, so data is handed on before it is proven, and whoever stores it waits
//! for the end of the body. It refuses lines without end, sizes that overflow and trailers without bound.

use bytes::{Buf, Bytes};
use ring::digest;

use crate::incoming::Error;
use crate::sign::{ChunkSigner, hex};

/// The longest size line or trailer line.
const LINE_BYTES_MAX: usize = 4096;

/// Trailers in one body.
const TRAILERS_MAX: usize = 16;

/// Takes a chunked body apart.
pub struct Decoder {
    state: State,
    line: Vec<u8>,
    /// With a signer each chunk must carry its signature.
    signer: Option<ChunkSigner>,
    /// The trailers must end with their signature.
    trailer_signed: bool,
    signature: String,
    sha256: digest::Context,
    trailers: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a size line.
    Size,
    /// In data; so many bytes are left.
    Data(u64),
    /// In the line end after data.
    DataEnd,
    /// After the last chunk: trailers, or the empty line.
    Trailers,
    Ended,
}

impl Decoder {
    pub fn new(signer: Option<ChunkSigner>, trailer_signed: bool) -> Decoder {
        Decoder {
            state: State::Size,
            line: Vec::new(),
            signer,
            trailer_signed,
            signature: String::new(),
            sha256: digest::Context::new(&digest::SHA256),
            trailers: Vec::new(),
        }
    }

    /// Takes from `input` up to the next piece of data. `None`: `input` is used up, or the body has ended.
    ///
    /// # Errors
    /// A body that is no `aws-chunked`, or a signature that does not match.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, Error> {
        loop {
            if self.state == State::Ended || input.is_empty() {
                return Ok(None);
            }
            if let State::Data(left) = self.state {
                return Ok(Some(self.data(left, input)));
            }
            if !self.take_line(input)? {
                return Ok(None);
            }
            let line = std::mem::take(&mut self.line);
            let text = std::str::from_utf8(&line).map_err(|_| Error::ChunkMalformed)?;
            match self.state {
                State::Size => self.size_line(text)?,
                State::DataEnd if text.is_empty() => self.chunk_end(State::Size)?,
                State::DataEnd => return Err(Error::ChunkMalformed),
                State::Trailers if text.is_empty() => self.end()?,
                State::Trailers => self.trailer_line(text)?,
                State::Data(_) | State::Ended => unreachable!("both were handled above"),
            }
        }
    }

    /// Has the whole body been seen?
    pub fn ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The trailers, their names in lower case, without the signature. Complete once the body has ended.
    pub fn trailers(&self) -> &[(String, String)] {
        &self.trailers
    }

    fn data(&mut self, left: u64, input: &mut Bytes) -> Bytes {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let data = input.split_to(take);
        if self.signer.is_some() {
            self.sha256.update(&data);
        }
        let left = left - data.len() as u64;
        self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
        data
    }

    /// Adds to the line until its end. False: the input is used up first.
    fn take_line(&mut self, input: &mut Bytes) -> Result<bool, Error> {
        let (taken, complete) = match input.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (input.len(), false),
        };
        if self.line.len() + taken > LINE_BYTES_MAX {
            return Err(Error::ChunkMalformed);
        }
        self.line.extend_from_slice(&input[..taken]);
        input.advance(taken);
        if complete {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        }
        Ok(complete)
    }

    fn size_line(&mut self, text: &str) -> Result<(), Error> {
        let mut parts = text.split(';').map(str::trim);
        let digits = parts.next().unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::ChunkMalformed);
        }
        let size = u64::from_str_radix(digits, 16).map_err(|_| Error::ChunkMalformed)?;
        let signature = parts.find_map(|part| part.strip_prefix("chunk-signature="));
        self.signature = match (signature, &self.signer) {
            (Some(signature), _) => signature.to_owned(),
            (None, Some(_)) => return Err(Error::ChunkMalformed),
            (None, None) => String::new(),
        };
        if size > 0 {
            self.state = State::Data(size);
            return Ok(());
        }
        self.chunk_end(State::Trailers)
    }

    fn chunk_end(&mut self, then: State) -> Result<(), Error> {
        if let Some(signer) = &mut self.signer {
            let sha256 = std::mem::replace(&mut self.sha256, digest::Context::new(&digest::SHA256));
            if !signer.is_chunk(&hex(sha256.finish().as_ref()), &self.signature) {
                return Err(Error::ChunkSignature);
            }
        }
        self.state = then;
        Ok(())
    }

    fn trailer_line(&mut self, text: &str) -> Result<(), Error> {
        let (name, value) = text.split_once(':').ok_or(Error::TrailerMalformed)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if name == "x-amz-trailer-signature" {
            self.signature = value;
            return Ok(());
        }
        if self.trailers.len() >= TRAILERS_MAX {
            return Err(Error::TrailerMalformed);
        }
        self.signature.clear();
        self.trailers.push((name, value));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        if let Some(signer) = self.signer.as_mut().filter(|_| self.trailer_signed) {
            let lines: String =
                self.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            if !signer.is_trailer(lines.as_bytes(), &self.signature) {
                return Err(Error::ChunkSignature);
            }
        }
        self.state = State::Ended;
        Ok(())
    }
}

/// Puts a body into one chunk with its trailers: the client's side, for the signer and for tests.
pub fn encode(
    pieces: &[&[u8]],
    trailers: &[(&str, &str)],
    mut signer: Option<ChunkSigner>,
    trailer_signed: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()).chain(std::iter::once(&&b""[..])) {
        out.extend_from_slice(format!("{:x}", piece.len()).as_bytes());
        if let Some(signer) = &mut signer {
            let signature = signer.chunk(&crate::sign::sha256_hex(piece));
            out.extend_from_slice(format!(";chunk-signature={signature}").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        if !piece.is_empty() {
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
    }
    let mut lines = String::new();
    for (name, value) in trailers {
        lines.push_str(&format!("{name}:{value}\n"));
        out.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
    }
    if let Some(signer) = signer.as_mut().filter(|_| trailer_signed) {
        let signature = signer.trailer(lines.as_bytes());
        out.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Data, trailers, and whether the body ended.
    type Decoded = (Vec<u8>, Vec<(String, String)>, bool);

    /// Feeds `wire` in pieces of `step` bytes.
    fn decode(wire: &[u8], step: usize) -> Result<Decoded, Error> {
        let mut decoder = Decoder::new(None, false);
        let mut data = Vec::new();
        for piece in wire.chunks(step.max(1)) {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(bytes) = decoder.next(&mut input)? {
                data.extend_from_slice(&bytes);
            }
        }
        Ok((data, decoder.trailers().to_vec(), decoder.ended()))
    }

    #[test]
    fn the_trailer_follows_the_last_chunk_directly() {
        let wire = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        let trailers = vec![("x-amz-checksum-crc32".to_owned(), "NhCmhg==".to_owned())];
        assert_eq!(decode(wire, 7), Ok((b"hello".to_vec(), trailers, true)));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for wire in [
            &b"hello"[..],
            b"g\r\n",
            b"-1\r\n",
            b"\r\n",
            b"5\r\nhelloX\r\n",
            b"fffffffffffffffff\r\n",
            b"0\r\nno colon\r\n",
            b"\xff\r\n",
        ] {
            let outcome = decode(&[wire, &b"0"[..].repeat(LINE_BYTES_MAX)].concat(), 4096);
            assert!(matches!(outcome, Err(Error::ChunkMalformed | Error::TrailerMalformed)), "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_pieces_the_data_comes_back(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
            step in 1usize..200,
        ) {
            let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let wire = encode(&slices, &[("x-amz-checksum-crc32", "AAAAAA==")], None, false);
            let (data, trailers, ended) = decode(&wire, step).unwrap();
            prop_assert_eq!(data, pieces.concat());
            prop_assert_eq!(trailers.len(), 1);
            prop_assert!(ended);
        }

        #[test]
        fn a_truncated_body_never_ends(
            piece in proptest::collection::vec(any::<u8>(), 1..300),
            cut in any::<proptest::sample::Index>(),
        ) {
            let wire = encode(&[&piece], &[], None, false);
            let short = &wire[..cut.index(wire.len())];
            if let Ok((_, _, ended)) = decode(short, 16) {
                prop_assert!(!ended);
            }
        }

        #[test]
        fn garbage_does_not_panic(wire: Vec<u8>, step in 1usize..64) {
            let _ = decode(&wire, step);
        }
    }
}
