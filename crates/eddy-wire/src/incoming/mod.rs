//! A request's body while it flows.
//!
//! Taken out of its chunks, counted, hashed and held against everything the head said of it: length, payload
//! hash, chunk signatures, `Content-MD5`, checksums in headers and trailers. What does not hold surfaces at the
//! last read, so whoever stores a body commits after [`Incoming::finish`]. Nothing is buffered beyond the
//! piece that the network handed over; [`Incoming::collect`] holds a whole body, up to its bound.

mod fault;

use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, Bytes, BytesMut};
use eddy_base::Env;
use eddy_base::env::timeout;
use http::request::Parts;
use http_body::Body;
use http_body_util::BodyExt;
use md5::{Digest as _, Md5};
use ring::digest;

use crate::checksum::{Algorithm, Checksum, Hasher};
use crate::chunked::Decoder;
use crate::limits::BODY_SILENCE;
use crate::sign::{ChunkSigner, Payload, hex};

/// Why a body is not what its head said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the body ended before its length")]
    Incomplete,
    #[error("nothing of the body came for {} seconds", BODY_SILENCE.as_secs())]
    Silent,
    #[error("the body's chunks cannot be read")]
    ChunkMalformed,
    #[error("the signature of a chunk or of the trailers does not match")]
    ChunkSignature,
    #[error("the trailers cannot be read, or one that was announced is missing")]
    TrailerMalformed,
    #[error("x-amz-decoded-content-length is missing or no number")]
    LengthRequired,
    #[error("the body's SHA-256 is {computed}, not {declared}")]
    PayloadHash { declared: String, computed: String },
    #[error("Content-MD5 is not the base64 of 16 bytes: {0}")]
    Md5Malformed(String),
    #[error("the body's MD5 is {computed}, not {declared}")]
    Md5 { declared: String, computed: String },
    #[error("the value of {0} is not valid")]
    ChecksumMalformed(String),
    #[error("more than one checksum is given")]
    ChecksumsMany,
    #[error("x-amz-sdk-checksum-algorithm is given, but no checksum")]
    ChecksumMissing,
    #[error("the body's {} is {computed}, not {declared}", .algorithm.name())]
    Checksum { algorithm: Algorithm, declared: String, computed: String },
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
}

type Inner = Pin<Box<dyn Body<Data = Bytes, Error = Box<dyn std::error::Error + Send + Sync>> + Send>>;

/// A body on its way in.
pub struct Incoming {
    body: Inner,
    /// What the network handed over and the decoder has not taken.
    rest: Bytes,
    decoder: Option<Decoder>,
    length: Option<u64>,
    seen: u64,
    /// Whose clock says that nothing comes any more; without one the body may take its time.
    clock: Option<Arc<dyn Env>>,
    /// The network was asked for it, which lets a client begin that waits for leave to send.
    begun: bool,
    declared: Declared,
    md5: Option<Md5>,
    sha256: Option<digest::Context>,
    hashers: Vec<Hasher>,
    outcome: Option<Result<Finished, Error>>,
}

/// What the head said about the body.
#[derive(Debug, Default)]
struct Declared {
    payload_sha256: Option<String>,
    md5: Option<[u8; 16]>,
    checksum: Option<Checksum>,
    /// Comes in a trailer.
    trailer: Option<Algorithm>,
}

/// A body that has been read to its end and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Bytes of content, chunks and trailers not counted.
    pub length: u64,
    /// Where it was asked for with [`Incoming::digest_md5`] or declared.
    pub md5: Option<[u8; 16]>,
    /// Checksums that the client declared (and that hold) or that were asked for with [`Incoming::digest`].
    pub checksums: Vec<Checksum>,
    /// The one of them that the client declared.
    pub declared: Option<Algorithm>,
    /// Trailers of the chunked body, names in lower case.
    pub trailers: Vec<(String, String)>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("length", &self.length)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Incoming {
    /// A body that is held against nothing but its length, so far.
    pub fn new<B>(head: &Parts, body: B) -> Incoming
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Incoming {
            body: Box::pin(body.map_err(Into::into)),
            rest: Bytes::new(),
            decoder: None,
            length: content_length(head),
            seen: 0,
            clock: None,
            begun: false,
            declared: Declared::default(),
            md5: None,
            sha256: None,
            hashers: Vec::new(),
            outcome: None,
        }
    }

    /// The same, given up with [`Error::Silent`] once nothing of it comes for [`BODY_SILENCE`] while it is waited for.
    #[must_use]
    pub fn impatient(self, env: &Arc<dyn Env>) -> Incoming {
        Incoming { clock: Some(env.clone()), ..self }
    }

    /// Takes the body out of its chunks and holds it against its payload hash. `chunks` checks the signatures
    /// of signed chunks; without it they are taken apart only. Before the first read.
    ///
    /// # Errors
    /// A decoded length that is missing or cannot be read.
    pub fn hold(
        &mut self,
        head: &Parts,
        payload: &Payload,
        chunks: Option<ChunkSigner>,
    ) -> Result<(), Error> {
        match payload {
            Payload::Hash(hash) => {
                self.declared.payload_sha256 = Some(hash.clone());
                self.sha256 = Some(digest::Context::new(&digest::SHA256));
            }
            Payload::SignedChunks { .. } | Payload::UnsignedChunks => {
                self.length = Some(decoded_length(head)?);
                let trailer_signed = *payload == Payload::SignedChunks { trailer: true };
                self.decoder = Some(Decoder::new(chunks, trailer_signed));
            }
            Payload::Absent | Payload::Unsigned => {}
        }
        Ok(())
    }

    /// Holds the body against `Content-MD5` and the checksums of S3 in header or trailer. Before the first
    /// read.
    ///
    /// # Errors
    /// Headers that cannot be read, or contradict each other.
    pub fn hold_checksums(&mut self, head: &Parts) -> Result<(), Error> {
        let text = |name: &str| head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if let Some(value) = text("content-md5") {
            let bytes = BASE64.decode(value.trim()).ok().and_then(|bytes| bytes.try_into().ok());
            self.declared.md5 = Some(bytes.ok_or_else(|| Error::Md5Malformed(value.into_owned()))?);
            self.digest_md5();
        }
        for algorithm in Algorithm::ALL {
            let Some(value) = text(algorithm.header()) else { continue };
            if self.declared.checksum.is_some() {
                return Err(Error::ChecksumsMany);
            }
            let checksum = Checksum::parse(algorithm, &value);
            let checksum = checksum.ok_or_else(|| Error::ChecksumMalformed(algorithm.header().to_owned()))?;
            self.declared.checksum = Some(checksum);
            self.digest(algorithm);
        }
        let trailers = text("x-amz-trailer").unwrap_or_default();
        if let Some(algorithm) = trailers.split(',').find_map(|name| Algorithm::of_header(name.trim())) {
            if self.declared.checksum.is_some() {
                return Err(Error::ChecksumsMany);
            }
            self.declared.trailer = Some(algorithm);
            self.digest(algorithm);
        }
        let announced = text("x-amz-sdk-checksum-algorithm").is_some();
        if announced && self.declared.checksum.is_none() && self.declared.trailer.is_none() {
            // An MD5 serves as well where an operation asks for a checksum.
            if self.declared.md5.is_none() {
                return Err(Error::ChecksumMissing);
            }
        }
        Ok(())
    }

    /// Bytes of content, where the head tells.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Asks for a checksum of the content. Before the first read.
    pub fn digest(&mut self, algorithm: Algorithm) {
        assert_eq!(self.seen, 0, "a digest is asked for before the first read");
        if !self.hashers.iter().any(|hasher| hasher.algorithm() == algorithm) {
            self.hashers.push(Hasher::new(algorithm));
        }
    }

    /// Asks for the MD5 of the content. Before the first read.
    pub fn digest_md5(&mut self) {
        assert_eq!(self.seen, 0, "a digest is asked for before the first read");
        self.md5.get_or_insert_with(Md5::new);
    }

    /// The checksum that the client declares, in header or trailer, if any.
    pub fn declared(&self) -> Option<Algorithm> {
        self.declared.checksum.as_ref().map(|checksum| checksum.algorithm).or(self.declared.trailer)
    }

    /// Did the client send something to hold the content against (`Content-MD5` or a checksum)?
    pub fn is_checked(&self) -> bool {
        self.declared.md5.is_some() || self.declared().is_some()
    }

    /// The next piece; `None` once the body has ended and everything said of it holds.
    ///
    /// # Errors
    /// The body broke off, or something said of it does not hold. The same again on later calls.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(outcome) = &self.outcome {
            return outcome.as_ref().map(|_| None).map_err(Clone::clone);
        }
        match self.read().await {
            Ok(Some(piece)) => Ok(Some(piece)),
            Ok(None) => {
                let outcome = self.settle();
                let told = outcome.as_ref().map(|_| None).map_err(Clone::clone);
                self.outcome = Some(outcome);
                told
            }
            Err(error) => {
                self.outcome = Some(Err(error.clone()));
                Err(error)
            }
        }
    }

    /// Has anybody asked for it? Until then a client that waits for leave to send has sent nothing.
    pub fn is_begun(&self) -> bool {
        self.begun
    }

    /// Was it given up since nothing came any more?
    pub fn is_silent(&self) -> bool {
        self.outcome == Some(Err(Error::Silent))
    }

    /// Has all of it come?
    pub fn is_over(&self) -> bool {
        self.body.is_end_stream()
    }

    /// Reads what is left, and says what the body was.
    ///
    /// # Errors
    /// As [`Incoming::next`].
    pub async fn finish(mut self) -> Result<Finished, Error> {
        while self.next().await?.is_some() {}
        self.outcome.expect("the last read leaves an outcome")
    }

    /// The whole body, which is at most `bytes_max` long. A longer one is refused by its declared length
    /// before a byte is read, or at the first byte too many.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or as [`Incoming::next`].
    pub async fn collect(&mut self, bytes_max: u64) -> Result<Bytes, Error> {
        if self.length.is_some_and(|length| length > bytes_max) {
            return Err(Error::TooLarge { bytes_max });
        }
        // Most bodies come in one piece and are not copied.
        let Some(first) = self.next().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next_within(bytes_max).await? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.next_within(bytes_max).await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Reads, and throws away, up to `bytes_max` of what is left, whatever it is.
    pub async fn drain(mut self, bytes_max: u64) {
        let mut left = bytes_max;
        while let Some(Ok(frame)) = self.body.frame().await {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
        }
    }

    async fn next_within(&mut self, bytes_max: u64) -> Result<Option<Bytes>, Error> {
        let piece = self.next().await?;
        if self.seen > bytes_max { Err(Error::TooLarge { bytes_max }) } else { Ok(piece) }
    }

    /// The next piece of content, counted and hashed.
    async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.rest.has_remaining() {
                let piece = match &mut self.decoder {
                    Some(decoder) => decoder.next(&mut self.rest)?,
                    None => Some(std::mem::take(&mut self.rest)),
                };
                if let Some(piece) = piece {
                    self.take_in(&piece)?;
                    return Ok(Some(piece));
                }
                if self.rest.has_remaining() {
                    // The chunked body has ended; what follows is nobody's.
                    return Err(Error::ChunkMalformed);
                }
            }
            self.begun = true;
            let frame = self.body.frame();
            let frame = match &self.clock {
                Some(env) => timeout(env, BODY_SILENCE, frame).await.map_err(|_| Error::Silent)?,
                None => frame.await,
            };
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Error::Incomplete),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
    }

    fn take_in(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.seen += piece.len() as u64;
        if self.length.is_some_and(|length| self.seen > length) {
            return Err(Error::Incomplete);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(piece);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(piece);
        }
        self.hashers.iter_mut().for_each(|hasher| hasher.update(piece));
        Ok(())
    }

    /// Holds the body, now at its end, against what was said of it.
    fn settle(&mut self) -> Result<Finished, Error> {
        let whole = self.decoder.as_ref().is_none_or(Decoder::ended);
        if !whole || self.length.is_some_and(|length| self.seen != length) {
            return Err(Error::Incomplete);
        }
        if let (Some(declared), Some(sha256)) = (self.declared.payload_sha256.take(), self.sha256.take()) {
            let computed = hex(sha256.finish().as_ref());
            if computed != declared {
                return Err(Error::PayloadHash { declared, computed });
            }
        }
        let md5: Option<[u8; 16]> = self.md5.take().map(|md5| md5.finalize().into());
        if let (Some(declared), Some(computed)) = (self.declared.md5, md5)
            && declared != computed
        {
            return Err(Error::Md5 { declared: BASE64.encode(declared), computed: BASE64.encode(computed) });
        }
        let checksums: Vec<Checksum> = self.hashers.drain(..).map(Hasher::finish).collect();
        let trailers = self.decoder.as_ref().map(|decoder| decoder.trailers().to_vec()).unwrap_or_default();
        let declared = self.settle_checksum(&checksums, &trailers)?;
        Ok(Finished { length: self.seen, md5, checksums, declared, trailers })
    }

    fn settle_checksum(
        &self,
        computed: &[Checksum],
        trailers: &[(String, String)],
    ) -> Result<Option<Algorithm>, Error> {
        let declared = match (&self.declared.checksum, self.declared.trailer) {
            (Some(checksum), _) => checksum.clone(),
            (None, Some(algorithm)) => {
                let found = trailers.iter().find(|(name, _)| name == algorithm.header());
                let (_, value) = found.ok_or(Error::TrailerMalformed)?;
                let checksum = Checksum::parse(algorithm, value);
                checksum.ok_or_else(|| Error::ChecksumMalformed(algorithm.header().to_owned()))?
            }
            (None, None) => return Ok(None),
        };
        let algorithm = declared.algorithm;
        let computed = computed
            .iter()
            .find(|checksum| checksum.algorithm == algorithm)
            .expect("a declared checksum is computed");
        if *computed == declared {
            return Ok(Some(algorithm));
        }
        Err(Error::Checksum { algorithm, declared: declared.base64(), computed: computed.base64() })
    }
}

fn content_length(head: &Parts) -> Option<u64> {
    head.headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn decoded_length(head: &Parts) -> Result<u64, Error> {
    let value = head.headers.get("x-amz-decoded-content-length").ok_or(Error::LengthRequired)?;
    value.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or(Error::LengthRequired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eddy_base::env::Manual;
    use eddy_base::{Fault, Timestamp};
    use futures_util::{StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    fn head(headers: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    async fn read(headers: &[(&'static str, &str)], body: &[u8]) -> Result<(Bytes, Finished), Error> {
        let head = head(headers);
        let payload = Payload::of(&head).unwrap();
        let body = Full::new(Bytes::copy_from_slice(body));
        let mut incoming = Incoming::new(&head, body);
        incoming.hold(&head, &payload, None)?;
        incoming.hold_checksums(&head)?;
        let whole = incoming.collect(1 << 20).await?;
        Ok((whole, incoming.finish().await?))
    }

    #[tokio::test]
    async fn what_the_head_says_is_held() {
        let hash = crate::sign::sha256_hex(b"hello");
        let other = crate::sign::sha256_hex(b"other");
        let checks = [
            (("content-length", "5"), None),
            (("content-length", "6"), Some("IncompleteBody")),
            (("x-amz-content-sha256", hash.as_str()), None),
            (("x-amz-content-sha256", other.as_str()), Some("XAmzContentSHA256Mismatch")),
            (("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="), None),
            (("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="), Some("BadDigest")),
            (("content-md5", "short"), Some("InvalidDigest")),
            (("x-amz-checksum-crc32", "NhCmhg=="), None),
            (("x-amz-checksum-crc32", "AAAAAA=="), Some("BadDigest")),
            (("x-amz-sdk-checksum-algorithm", "CRC32"), Some("InvalidRequest")),
        ];
        for (header, expected) in checks {
            let outcome = read(&[header], b"hello").await.map_err(|error| Fault::from(error).name);
            match expected {
                None => assert_eq!(outcome.unwrap().0, "hello", "{header:?}"),
                Some(name) => assert_eq!(outcome.unwrap_err(), Some(name), "{header:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_trailer_is_held_and_a_truncated_chunk_is_incomplete() {
        let headers = [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        let good = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        let (whole, finished) = read(&headers, good).await.unwrap();
        assert_eq!((&whole[..], finished.declared), (&b"hello"[..], Some(Algorithm::Crc32)));
        for (body, expected) in [
            (&good[..20], Error::Incomplete),
            (&good[..8], Error::Incomplete),
            (b"5\r\nhello\r\n0\r\n\r\n", Error::TrailerMalformed),
            (b"4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", Error::Incomplete),
            (&[&good[..], b"more"].concat(), Error::ChunkMalformed),
        ] {
            assert_eq!(read(&headers, body).await.unwrap_err(), expected, "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_waited_for_while_it_comes() {
        let clock = Manual::new(Timestamp::from_seconds(0));
        let env: Arc<dyn Env> = Arc::new(clock.clone());
        let pieces = [(), ()].map(|()| Ok::<_, Error>(Frame::data(Bytes::from_static(b"abc"))));
        let body = StreamBody::new(stream::iter(pieces).chain(stream::pending()));
        let mut incoming = Incoming::new(&head(&[("content-length", "9")]), body).impatient(&env);
        for _ in 0..2 {
            assert_eq!(incoming.next().await, Ok(Some(Bytes::from_static(b"abc"))));
            clock.advance(BODY_SILENCE);
        }
        let (next, ()) = tokio::join!(incoming.next(), async {
            clock.asleep().await;
            clock.advance(BODY_SILENCE);
        });
        assert_eq!(next, Err(Error::Silent));
        assert!(incoming.is_silent());
        assert_eq!(incoming.finish().await, Err(Error::Silent), "and it stays so");
    }

    #[tokio::test]
    async fn a_body_over_its_bound_is_refused() {
        let whole = head(&[]);
        let mut incoming = Incoming::new(&whole, Full::new(Bytes::from(vec![0; 100])));
        assert_eq!(incoming.collect(100).await.map(|bytes| bytes.len()), Ok(100));
        let mut incoming = Incoming::new(&whole, Full::new(Bytes::from(vec![0; 101])));
        assert_eq!(incoming.collect(100).await, Err(Error::TooLarge { bytes_max: 100 }));
    }
}
