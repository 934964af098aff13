//! Tokens and ids made of places: opaque to clients, read back here.

use eddy_base::{Fault, Timestamp};
use eddy_telemetry::logs::{Direction, Place};

use crate::page_token;

/// `f/DIGITS/s` or `b/DIGITS/s`, as GetLogEvents has them: the gap behind a place, to go on from forward or
/// backward.
pub(super) fn page(direction: Direction, behind: Place) -> String {
    let letter = match direction {
        Direction::Forward => 'f',
        Direction::Backward => 'b',
    };
    format!("{letter}/{}/s", digits(behind))
}

/// Reads a token of [`page`].
///
/// # Errors
/// When it is none.
pub(super) fn read_page(token: &str) -> Result<(Direction, Place), Fault> {
    let parse = || {
        let (letter, rest) = token.split_once('/')?;
        let direction = match letter {
            "f" => Direction::Forward,
            "b" => Direction::Backward,
            _ => return None,
        };
        Some((direction, read_digits(rest.strip_suffix("/s").unwrap_or(rest))?))
    };
    parse().ok_or_else(invalid)
}

/// A token to go on with a search behind a place.
pub(super) fn search(behind: Place) -> String {
    digits(behind)
}

/// Reads a token of [`search`].
///
/// # Errors
/// When it is none.
pub(super) fn read_search(token: &str) -> Result<Place, Fault> {
    read_digits(token).ok_or_else(invalid)
}

/// Reads a token that stands for the last name of a page.
///
/// # Errors
/// When it is none.
pub(super) fn read_name(token: &str) -> Result<String, Fault> {
    page_token::read(token).ok_or_else(invalid)
}

/// The id of an event: 56 digits, as Logs has them, which rise with time.
pub(super) fn event_id(place: Place) -> String {
    let millis = u64::try_from(place.at.millis()).unwrap_or(0);
    let stream = place.stream % 10_u64.pow(16);
    format!("{millis:020}{stream:016}{:014}{:06}", place.offset % 10_u64.pow(14), place.index % 1_000_000)
}

/// 70 digits: time, stream, offset, index.
fn digits(place: Place) -> String {
    let at = place.at.millis().cast_unsigned() ^ SIGN;
    format!("{at:020}{:020}{:020}{:010}", place.stream, place.offset, place.index)
}

fn read_digits(text: &str) -> Option<Place> {
    if text.len() != 70 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let at: u64 = text[..20].parse().ok()?;
    Some(Place {
        at: Timestamp::from_millis((at ^ SIGN).cast_signed()),
        stream: text[20..40].parse().ok()?,
        offset: text[40..60].parse().ok()?,
        index: text[60..].parse().ok()?,
    })
}

/// Makes negative times sort before the others.
const SIGN: u64 = 1 << 63;

pub(super) fn invalid() -> Fault {
    Fault::invalid("The specified nextToken is invalid.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_round_trip_and_others_are_refused(
            millis: i64, stream: u64, offset: u64, index: u32, other in "\\PC{0,80}",
        ) {
            let place = Place { at: Timestamp::from_millis(millis), stream, offset, index };
            for direction in [Direction::Forward, Direction::Backward] {
                prop_assert_eq!(read_page(&page(direction, place)).unwrap(), (direction, place));
            }
            prop_assert_eq!(read_search(&search(place)).unwrap(), place);
            prop_assert!(read_page(&other).is_err());
            let id = event_id(place);
            prop_assert!(id.len() == 56 && id.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
