//! The `Range` header: one range of bytes, as S3 takes it.

use std::ops::Range;

use eddy_base::{Code, Fault, Subject};

use super::fault;

/// What a request wants of an object of this size. None when it wants all of it: no range, a range that is not well
/// formed, and several ranges are all alike to S3.
///
/// # Errors
/// A range that begins behind the end.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Result<Option<Range<u64>>, Fault> {
    let Some((header, spec)) = header.and_then(|header| Some((header, parse(header)?))) else {
        return Ok(None);
    };
    let range = match spec {
        Spec::From(from) => from..size,
        Spec::Between(from, last) => from..size.min(last.saturating_add(1)),
        Spec::Last(count) => size.saturating_sub(count)..size,
    };
    if range.is_empty() {
        return Err(unsatisfiable(header, size));
    }
    Ok(Some(range))
}

/// A range of the source of a part's copy: both ends, inside of the source.
///
/// # Errors
/// Another form.
pub(super) fn of_copy_source(header: &str) -> Result<Range<u64>, Fault> {
    match parse(header) {
        Some(Spec::Between(from, last)) if last < u64::MAX => Ok(from..last + 1),
        Some(_) | None => Err(fault::invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )),
    }
}

/// `Content-Range` of an answer.
pub(super) fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn parse(header: &str) -> Option<Spec> {
    let (from, to) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than a u64 holds are behind any end.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (from.trim(), to.trim()) {
        ("", count) => number(count).map(Spec::Last),
        (from, "") => number(from).map(Spec::From),
        (from, last) => {
            let (from, last) = (number(from)?, number(last)?);
            (from <= last).then_some(Spec::Between(from, last))
        }
    }
}

fn unsatisfiable(header: &str, size: u64) -> Fault {
    let text = "The requested range is not satisfiable";
    fault::named(Code::Invalid, Subject::Range, "InvalidRange", text)
        .with("RangeRequested", header)
        .with("ActualObjectSize", size.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_range_is_taken_and_the_rest_ignored() {
        let check = |header: &str, size, expected: Option<Range<u64>>| {
            assert_eq!(wanted(Some(header), size).ok().flatten(), expected, "{header} of {size}");
        };
        check("bytes=0-4", 10, Some(0..5));
        check("bytes=5-", 10, Some(5..10));
        check("bytes=-3", 10, Some(7..10));
        check("bytes=-30", 10, Some(0..10));
        check("bytes=8-99999999999999999999999", 10, Some(8..10));
        for ignored in ["bytes=4-2", "bytes=a-b", "bytes=-", "lines=0-1", "bytes=0-1,3-4", "bytes=+1-2", ""] {
            assert_eq!(wanted(Some(ignored), 10).expect("ignored"), None, "{ignored}");
        }
        for outside in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            let refused = wanted(Some(outside), 10).expect_err("outside");
            assert_eq!(refused.name, Some("InvalidRange"), "{outside}");
        }
        assert!(wanted(Some("bytes=0-"), 0).is_err());
        assert_eq!(wanted(None, 10).expect("nothing asked"), None);
        assert_eq!(content_range(&(0..5), 10), "bytes 0-4/10");
    }

    proptest! {
        #[test]
        fn any_header_is_read(header: String, size: u64) {
            if let Ok(Some(range)) = wanted(Some(&header), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }

        #[test]
        fn both_ends_are_meant(from in 0u64..100, span in 0u64..100, size in 1u64..150) {
            let range = wanted(Some(&format!("bytes={from}-{}", from + span)), size);
            if from < size {
                prop_assert_eq!(range.expect("inside"), Some(from..size.min(from + span + 1)));
            } else {
                prop_assert!(range.is_err());
            }
        }
    }
}
