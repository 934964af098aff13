//! Checksums between S3's members and the engine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Fault;
use eddy_objects::{Algorithm, Checksum, Coverage};
use eddy_wire::checksum as wire;

use super::fault;

/// The checksum members that outputs have.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub crc32: Option<String>,
    pub crc32c: Option<String>,
    pub crc64nvme: Option<String>,
    pub sha1: Option<String>,
    pub sha256: Option<String>,
    pub kind: Option<&'static str>,
}

impl Sums {
    pub(super) fn of(checksum: Option<&Checksum>, parts: Option<u32>) -> Sums {
        let Some(checksum) = checksum else { return Sums::default() };
        let suffix = match (checksum.coverage, parts) {
            (Coverage::Parts, Some(parts)) => format!("-{parts}"),
            (Coverage::Parts | Coverage::Whole, _) => String::new(),
        };
        let text = BASE64.encode(&checksum.value) + &suffix;
        Sums { kind: Some(kind(checksum.coverage)), ..Sums::one(checksum.algorithm, text) }
    }

    /// A part's, which has no type of its own.
    pub(super) fn of_value(algorithm: Algorithm, value: &[u8]) -> Sums {
        Sums::one(algorithm, BASE64.encode(value))
    }

    fn one(algorithm: Algorithm, text: String) -> Sums {
        let mut sums = Sums::default();
        let member = match algorithm {
            Algorithm::Crc32 => &mut sums.crc32,
            Algorithm::Crc32c => &mut sums.crc32c,
            Algorithm::Crc64Nvme => &mut sums.crc64nvme,
            Algorithm::Sha1 => &mut sums.sha1,
            Algorithm::Sha256 => &mut sums.sha256,
        };
        *member = Some(text);
        sums
    }

    /// The one that a request gives, if any: its algorithm, its bytes, and the number of parts behind it.
    ///
    /// # Errors
    /// More than one, or one that is not the base64 of its length.
    pub(super) fn given(&self) -> Result<Option<(Algorithm, Vec<u8>)>, Fault> {
        let members = [
            (Algorithm::Crc32, &self.crc32),
            (Algorithm::Crc32c, &self.crc32c),
            (Algorithm::Crc64Nvme, &self.crc64nvme),
            (Algorithm::Sha1, &self.sha1),
            (Algorithm::Sha256, &self.sha256),
        ];
        let mut given = members.into_iter().filter_map(|(algorithm, text)| Some((algorithm, text.as_ref()?)));
        let Some((algorithm, text)) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(fault::invalid_request(text));
        }
        let digits = text.split_once('-').map_or(text.as_str(), |(digits, _)| digits);
        let value = BASE64.decode(digits).ok().filter(|value| value.len() == algorithm.value_bytes());
        let value = value.ok_or_else(|| {
            let header = to_wire(algorithm).header();
            fault::invalid_request(format!("Value for {header} header is invalid."))
        })?;
        Ok(Some((algorithm, value)))
    }
}

pub(super) fn kind(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Whole => "FULL_OBJECT",
        Coverage::Parts => "COMPOSITE",
    }
}

pub(super) fn name(algorithm: Algorithm) -> &'static str {
    to_wire(algorithm).name()
}

/// # Errors
/// A name that is none of the five.
pub(super) fn algorithm(name: &str) -> Result<Algorithm, Fault> {
    wire::Algorithm::named(name).map(from_wire).ok_or_else(|| {
        fault::invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
             [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    })
}

pub(super) fn to_wire(algorithm: Algorithm) -> wire::Algorithm {
    match algorithm {
        Algorithm::Crc32 => wire::Algorithm::Crc32,
        Algorithm::Crc32c => wire::Algorithm::Crc32c,
        Algorithm::Crc64Nvme => wire::Algorithm::Crc64Nvme,
        Algorithm::Sha1 => wire::Algorithm::Sha1,
        Algorithm::Sha256 => wire::Algorithm::Sha256,
    }
}

pub(super) fn from_wire(algorithm: wire::Algorithm) -> Algorithm {
    match algorithm {
        wire::Algorithm::Crc32 => Algorithm::Crc32,
        wire::Algorithm::Crc32c => Algorithm::Crc32c,
        wire::Algorithm::Crc64Nvme => Algorithm::Crc64Nvme,
        wire::Algorithm::Sha1 => Algorithm::Sha1,
        wire::Algorithm::Sha256 => Algorithm::Sha256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composite_says_how_many_parts() {
        let checksum = |coverage| Checksum { algorithm: Algorithm::Crc32, coverage, value: vec![0, 0, 0, 1] };
        let whole = Sums::of(Some(&checksum(Coverage::Whole)), Some(3));
        assert_eq!((whole.crc32.as_deref(), whole.kind), (Some("AAAAAQ=="), Some("FULL_OBJECT")));
        let parts = Sums::of(Some(&checksum(Coverage::Parts)), Some(3));
        assert_eq!((parts.crc32.as_deref(), parts.kind), (Some("AAAAAQ==-3"), Some("COMPOSITE")));
        assert_eq!(parts.given().expect("readable"), Some((Algorithm::Crc32, vec![0, 0, 0, 1])));
    }

    #[test]
    fn only_one_sound_checksum_is_taken() {
        let sums = |crc32: Option<&str>, sha1: Option<&str>| Sums {
            crc32: crc32.map(Into::into),
            sha1: sha1.map(Into::into),
            ..Sums::default()
        };
        assert_eq!(sums(None, None).given().expect("readable"), None);
        assert!(sums(Some("AAAAAQ=="), Some("AAAAAQ==")).given().is_err());
        assert!(sums(None, Some("AAAAAQ==")).given().is_err());
        assert!(sums(Some("?"), None).given().is_err());
    }
}
