//! Checksums between S3's members and the engine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Fault;
use eddy_objects::{Algorithm, Checksum, Coverage};
use eddy_wire::checksum as wire;
use serde::{Deserialize, Serialize};

use super::fault;

/// The members for checksums that inputs and outputs have, at most one of which is set.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Values {
    pub checksum_crc32: Option<String>,
    pub checksum_crc32c: Option<String>,
    pub checksum_crc64nvme: Option<String>,
    pub checksum_sha1: Option<String>,
    pub checksum_sha256: Option<String>,
}

/// The same with what the checksum is of, as outputs about whole objects have it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Sums {
    pub value: Values,
    pub checksum_type: Option<&'static str>,
}

impl Sums {
    pub(super) fn of(checksum: Option<&Checksum>, parts: Option<u32>) -> Sums {
        let Some(checksum) = checksum else { return Sums::default() };
        let suffix = match (checksum.coverage, parts) {
            (Coverage::Parts, Some(parts)) => format!("-{parts}"),
            (Coverage::Parts | Coverage::Whole, _) => String::new(),
        };
        let text = BASE64.encode(&checksum.value) + &suffix;
        Sums { value: Values::one(checksum.algorithm, text), checksum_type: Some(kind(checksum.coverage)) }
    }
}

impl Values {
    /// A part's, which has no type of its own.
    pub(super) fn of(algorithm: Algorithm, value: &[u8]) -> Values {
        Values::one(algorithm, BASE64.encode(value))
    }

    fn one(algorithm: Algorithm, text: String) -> Values {
        let mut values = Values::default();
        let member = match algorithm {
            Algorithm::Crc32 => &mut values.checksum_crc32,
            Algorithm::Crc32c => &mut values.checksum_crc32c,
            Algorithm::Crc64Nvme => &mut values.checksum_crc64nvme,
            Algorithm::Sha1 => &mut values.checksum_sha1,
            Algorithm::Sha256 => &mut values.checksum_sha256,
        };
        *member = Some(text);
        values
    }

    /// The one that a request gives, if any: its algorithm, its bytes, and the number of parts behind it.
    ///
    /// # Errors
    /// More than one, or one that is not the base64 of its length.
    pub(super) fn given(&self) -> Result<Option<(Algorithm, Vec<u8>)>, Fault> {
        let members = [
            (Algorithm::Crc32, &self.checksum_crc32),
            (Algorithm::Crc32c, &self.checksum_crc32c),
            (Algorithm::Crc64Nvme, &self.checksum_crc64nvme),
            (Algorithm::Sha1, &self.checksum_sha1),
            (Algorithm::Sha256, &self.checksum_sha256),
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
        let told = |sums: &Sums| (sums.value.checksum_crc32.clone().unwrap_or_default(), sums.checksum_type);
        assert_eq!(told(&whole), ("AAAAAQ==".to_owned(), Some("FULL_OBJECT")));
        let parts = Sums::of(Some(&checksum(Coverage::Parts)), Some(3));
        assert_eq!(told(&parts), ("AAAAAQ==-3".to_owned(), Some("COMPOSITE")));
        assert_eq!(parts.value.given().expect("readable"), Some((Algorithm::Crc32, vec![0, 0, 0, 1])));
    }

    #[test]
    fn only_one_sound_checksum_is_taken() {
        let sums = |crc32: Option<&str>, sha1: Option<&str>| Values {
            checksum_crc32: crc32.map(Into::into),
            checksum_sha1: sha1.map(Into::into),
            ..Values::default()
        };
        assert_eq!(sums(None, None).given().expect("readable"), None);
        assert!(sums(Some("AAAAAQ=="), Some("AAAAAQ==")).given().is_err());
        assert!(sums(None, Some("AAAAAQ==")).given().is_err());
        assert!(sums(Some("?"), None).given().is_err());
    }
}
