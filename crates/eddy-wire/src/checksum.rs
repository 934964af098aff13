//! The five checksums that S3 and its clients speak, one interface.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest, checksum_combine};
use ring::digest;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Which checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// A checksum of something: its bytes, most significant first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checksum {
    pub algorithm: Algorithm,
    pub value: Bytes,
}

/// A checksum that grows with the bytes it has seen.
#[derive(Clone)]
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    Crc(Digest),
    Sha(digest::Context),
}

impl Algorithm {
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    /// As clients name it: `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }

    /// By its name, in any case.
    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The header or trailer that carries it: `x-amz-checksum-crc32`, ...
    pub fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32c => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// By the header or trailer, in any case.
    pub fn of_header(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
    }

    /// Bytes of a value.
    pub fn length(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }

    fn checksum(self, crc: u64) -> Checksum {
        let bytes = crc.to_be_bytes();
        Checksum { algorithm: self, value: Bytes::copy_from_slice(&bytes[bytes.len() - self.length()..]) }
    }
}

impl Checksum {
    /// Reads the base64 of a header. `None` when it is no base64 or of another length.
    pub fn parse(algorithm: Algorithm, text: &str) -> Option<Checksum> {
        let value = BASE64.decode(text.trim()).ok()?;
        (value.len() == algorithm.length()).then(|| Checksum { algorithm, value: value.into() })
    }

    /// As headers and documents carry it.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.value)
    }

    fn crc(&self) -> u64 {
        self.value.iter().fold(0, |crc, byte| crc << 8 | u64::from(*byte))
    }
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Hasher {
        let state = match (algorithm.crc(), algorithm) {
            (Some(crc), _) => State::Crc(Digest::new(crc)),
            (None, Algorithm::Sha1) => State::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            (None, _) => State::Sha(digest::Context::new(&digest::SHA256)),
        };
        Hasher { algorithm, state }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(bytes),
            State::Sha(context) => context.update(bytes),
        }
    }

    pub fn finish(self) -> Checksum {
        match self.state {
            State::Crc(digest) => self.algorithm.checksum(digest.finalize()),
            State::Sha(context) => Checksum {
                algorithm: self.algorithm,
                value: Bytes::copy_from_slice(context.finish().as_ref()),
            },
        }
    }
}

/// The checksum of `first` followed by `second`, which is `second_length` bytes long: how the full-object
/// checksum of a multipart upload comes from its parts. `None` for SHA, which cannot be combined, and for two
/// different algorithms.
pub fn combine(first: &Checksum, second: &Checksum, second_length: u64) -> Option<Checksum> {
    let crc = first.algorithm.crc().filter(|_| first.algorithm == second.algorithm)?;
    Some(first.algorithm.checksum(checksum_combine(crc, first.crc(), second.crc(), second_length)))
}

/// The checksum of checksums, as S3 makes it for composite multipart uploads: over the concatenated values.
pub fn composite<'a>(algorithm: Algorithm, parts: impl Iterator<Item = &'a Checksum>) -> Checksum {
    let mut hasher = Hasher::new(algorithm);
    parts.for_each(|part| hasher.update(&part.value));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The check values of the catalogues, in base64.
    #[test]
    fn known_values() {
        for (algorithm, expected) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let computed = of(algorithm, b"123456789");
            assert_eq!(computed.base64(), expected, "{algorithm:?}");
            assert_eq!(Checksum::parse(algorithm, expected), Some(computed));
        }
    }

    #[test]
    fn names_and_headers_lead_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(&algorithm.name().to_lowercase()), Some(algorithm));
            assert_eq!(Algorithm::of_header(&algorithm.header().to_uppercase()), Some(algorithm));
        }
        assert_eq!(Checksum::parse(Algorithm::Crc32, "not base64"), None);
        assert_eq!(Checksum::parse(Algorithm::Crc32, "AAAAAAAAAAA="), None);
    }

    proptest! {
        #[test]
        fn parts_combine_to_the_whole(first: Vec<u8>, second: Vec<u8>) {
            let whole = [first.clone(), second.clone()].concat();
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let combined = combine(&of(algorithm, &first), &of(algorithm, &second), second.len() as u64);
                prop_assert_eq!(combined, Some(of(algorithm, &whole)));
            }
            prop_assert_eq!(combine(&of(Algorithm::Sha1, &first), &of(Algorithm::Sha1, &second), 1), None);
        }
    }
}
