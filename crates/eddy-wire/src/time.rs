//! Points in time as the wires write them.
//!
//! The millisecond is the finest that is kept; what is finer is cut off.

use eddy_base::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::schema::TimeFormat;

/// Reads a time from text. Whatever format its place asks for, the other two are taken as well, as Amazon
/// does: `2026-01-02T03:04:05.678Z`, `Fri, 02 Jan 2026 03:04:05 GMT`, `1767323045.678`.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(from_jiff(instant));
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(from_jiff(zoned.timestamp()));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(from_jiff(TimeZone::UTC.to_timestamp(civil).ok()?))
}

/// Reads a time from seconds since 1970; `None` outside the years 0 to 9999.
pub(crate) fn from_seconds(seconds: f64) -> Option<Timestamp> {
    const YEAR_0: f64 = -62_167_219_200.0;
    const YEAR_10000: f64 = 253_402_300_800.0;
    if !(YEAR_0..YEAR_10000).contains(&seconds) {
        return None;
    }
    // Seconds with microseconds are not exact in binary: half a microsecond keeps 1.001 from being 1.000.
    let millis = (seconds * 1000.0 + 0.0005).floor();
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked above")]
    Some(Timestamp::from_millis(millis as i64))
}

fn from_jiff(instant: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(instant.as_millisecond())
}

/// Writes a time as text. ISO times carry milliseconds only where there are any.
pub(crate) fn write(time: Timestamp, format: TimeFormat) -> String {
    match format {
        TimeFormat::Epoch => epoch(time),
        TimeFormat::Iso8601 if time.millis().rem_euclid(1000) == 0 => {
            time.civil().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        }
        TimeFormat::Iso8601 => time.iso8601(),
        TimeFormat::HttpDate => time.civil().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    }
}

/// Seconds, with a fraction only where there is one.
pub(crate) fn epoch(time: Timestamp) -> String {
    let millis = time.millis();
    let (sign, millis) = if millis < 0 { ("-", millis.unsigned_abs()) } else { ("", millis.unsigned_abs()) };
    match (millis / 1000, millis % 1000) {
        (seconds, 0) => format!("{sign}{seconds}"),
        (seconds, fraction) => format!("{sign}{seconds}.{fraction:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_read_alike() {
        let whole = Timestamp::from_seconds(1_767_323_045);
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T04:04:05+01:00",
            "2026-01-02T03:04:05",
            "Fri, 02 Jan 2026 03:04:05 GMT",
            "1767323045",
            "1767323045.0",
        ] {
            assert_eq!(parse(text), Some(whole), "{text}");
        }
        assert_eq!(parse("1767323045.678"), Some(Timestamp::from_millis(1_767_323_045_678)));
        assert_eq!(parse("2026-01-02T03:04:05.678901Z"), Some(Timestamp::from_millis(1_767_323_045_678)));
        for text in ["", "yesterday", "NaN", "1e300", "2026-13-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for millis in [0, 1, 999, -1, -1500, 1_767_323_045_678, 4_102_444_800_000] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(parse(&write(time, TimeFormat::Epoch)), Some(time), "{millis}");
            assert_eq!(parse(&write(time, TimeFormat::Iso8601)), Some(time), "{millis}");
            assert_eq!(
                parse(&write(time, TimeFormat::HttpDate)),
                Some(Timestamp::from_seconds(time.seconds()))
            );
        }
    }
}
