//! What the operations on uploads share.

use eddy_base::Fault;
use eddy_objects::{Algorithm, Coverage, UploadId, UploadName, limits::PART_NUMBER_MAX};

use super::fault::{self, About};
use super::{sums, sums::kind};

/// An upload as requests name it.
pub(super) struct Named<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub text: &'a str,
    id: UploadId,
}

impl<'a> Named<'a> {
    /// # Errors
    /// A text that no upload was ever named by.
    pub(super) fn parse(bucket: &'a str, key: &'a str, text: &'a str) -> Result<Named<'a>, Fault> {
        let id = text.parse().map_err(|_| fault::no_such_upload(text))?;
        Ok(Named { bucket, key, text, id })
    }

    pub(super) fn name(&self) -> UploadName<'_> {
        UploadName { bucket: self.bucket, key: self.key, id: &self.id }
    }

    pub(super) fn about(&self) -> About<'a> {
        About { bucket: self.bucket, key: self.key, upload: self.text, range: "" }
    }
}

/// # Errors
/// A number outside of 1 to 10,000.
pub(super) fn part_number(number: i64) -> Result<u32, Fault> {
    let number_as = u32::try_from(number).ok().filter(|number| (1..=PART_NUMBER_MAX).contains(number));
    number_as.ok_or_else(|| {
        let text = "Part number must be an integer between 1 and 10000, inclusive";
        fault::invalid_argument(text, "partNumber", number.to_string())
    })
}

/// The checksum that an upload is to have, from the two headers that choose it.
///
/// # Errors
/// Unknown names, a type without an algorithm, and pairs that cannot be computed.
pub(super) fn checksum(
    algorithm: Option<&str>,
    coverage: Option<&str>,
) -> Result<Option<(Algorithm, Coverage)>, Fault> {
    let coverage = match coverage {
        None => None,
        Some("FULL_OBJECT") => Some(Coverage::Whole),
        Some("COMPOSITE") => Some(Coverage::Parts),
        Some(_) => {
            let text = "Value for x-amz-checksum-type header is invalid.";
            return Err(fault::invalid_request(text));
        }
    };
    let Some(algorithm) = algorithm.map(sums::algorithm).transpose()? else {
        if coverage.is_some() {
            let text =
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(fault::invalid_request(text));
        }
        return Ok(None);
    };
    let usual = if algorithm == Algorithm::Crc64Nvme { Coverage::Whole } else { Coverage::Parts };
    let coverage = coverage.unwrap_or(usual);
    let possible = match coverage {
        Coverage::Whole => algorithm.combines(),
        Coverage::Parts => algorithm != Algorithm::Crc64Nvme,
    };
    if !possible {
        return Err(fault::invalid_request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind(coverage),
            sums::name(algorithm).to_ascii_lowercase()
        )));
    }
    Ok(Some((algorithm, coverage)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_that_can_be_computed_are_taken() {
        let check = |algorithm, coverage, expected: Option<Option<(Algorithm, Coverage)>>| {
            assert_eq!(checksum(algorithm, coverage).ok(), expected, "{algorithm:?} {coverage:?}");
        };
        check(None, None, Some(None));
        check(Some("CRC32"), None, Some(Some((Algorithm::Crc32, Coverage::Parts))));
        check(Some("CRC32"), Some("FULL_OBJECT"), Some(Some((Algorithm::Crc32, Coverage::Whole))));
        check(Some("CRC64NVME"), None, Some(Some((Algorithm::Crc64Nvme, Coverage::Whole))));
        check(Some("CRC64NVME"), Some("COMPOSITE"), None);
        check(Some("SHA256"), Some("FULL_OBJECT"), None);
        check(Some("SHA256"), Some("COMPOSITE"), Some(Some((Algorithm::Sha256, Coverage::Parts))));
        check(None, Some("COMPOSITE"), None);
        check(Some("MD4"), None, None);
    }

    #[test]
    fn part_numbers_have_bounds() {
        assert_eq!(part_number(1).ok(), Some(1));
        assert_eq!(part_number(10_000).ok(), Some(10_000));
        for wrong in [0, -1, 10_001, i64::MAX] {
            assert!(part_number(wrong).is_err(), "{wrong}");
        }
    }
}
