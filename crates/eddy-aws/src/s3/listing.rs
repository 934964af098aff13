//! What listings share: encoded names, page tokens, limits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Fault;
use eddy_objects::{After, Listed, Page, Query, Seen};
use eddy_wire::Time;
use serde::Serialize;

use super::condition::quoted;
use super::fault::{self, About};
use super::limits::PAGE_ENTRIES;
use super::sums;
use crate::Cx;

/// What all listings of a bucket are asked.
pub(super) struct Asked {
    pub encoding: Encoding,
    pub max_keys: i64,
    /// Not empty.
    pub delimiter: Option<String>,
    pub query: Query,
}

/// Who owns something.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Owner {
    pub id: String,
}

/// Keys that are rolled up.
#[derive(Debug, Serialize)]
pub(super) struct CommonPrefix {
    pub prefix: String,
}

/// An object in a listing.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    key: String,
    last_modified: Time,
    etag: String,
    checksum_algorithm: Vec<&'static str>,
    checksum_type: Option<&'static str>,
    size: u64,
    storage_class: &'static str,
    owner: Option<Owner>,
}

/// How names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    /// For names that XML cannot hold.
    Url,
}

impl Asked {
    /// From the listing's beginning; whoever begins elsewhere says so in the query.
    ///
    /// # Errors
    /// An encoding or a number that there is not.
    pub(super) fn read(
        encoding_type: Option<&str>,
        max_keys: Option<i64>,
        prefix: Option<String>,
        delimiter: Option<String>,
    ) -> Result<Asked, Fault> {
        let encoding = Encoding::of(encoding_type)?;
        let max_keys = page_max(max_keys, "maxKeys")?;
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
        let query = Query {
            prefix: prefix.unwrap_or_default(),
            after: After::Nothing,
            delimiter: delimiter.clone().unwrap_or_default(),
            max: usize::try_from(max_keys).unwrap_or_default(),
        };
        Ok(Asked { encoding, max_keys, delimiter, query })
    }

    pub(super) async fn page(&self, cx: &Cx, bucket: &str) -> Result<Seen<Page>, Fault> {
        let seen = cx.engines.objects.list(bucket, &self.query).await;
        seen.map_err(|error| About::bucket(bucket).fault(error))
    }
}

impl Object {
    pub(super) fn new(listed: Listed, encoding: Encoding, owner: Option<Owner>) -> Object {
        Object {
            key: encoding.write(&listed.key),
            last_modified: Time(whole_seconds(listed.modified)),
            etag: quoted(listed.etag),
            checksum_algorithm: listed.checksum.iter().map(|(algorithm, _)| sums::name(*algorithm)).collect(),
            checksum_type: listed.checksum.map(|(_, coverage)| sums::kind(coverage)),
            size: listed.size,
            storage_class: "STANDARD",
            owner,
        }
    }
}

impl Encoding {
    /// # Errors
    /// Another encoding than `url`.
    pub(super) fn of(given: Option<&str>) -> Result<Encoding, Fault> {
        match given {
            None | Some("") => Ok(Encoding::Plain),
            Some("url") => Ok(Encoding::Url),
            Some(other) => Err(fault::invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                other,
            )),
        }
    }

    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Encoding::Plain => None,
            Encoding::Url => Some("url"),
        }
    }

    pub(super) fn write(self, name: &str) -> String {
        match self {
            Encoding::Plain => name.to_owned(),
            Encoding::Url => form_encoded(name),
        }
    }
}

/// As a form writes it, but for the slash: spaces are `+`.
pub(super) fn form_encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Entries of a page.
///
/// # Errors
/// A negative number.
pub(super) fn page_max(given: Option<i64>, argument: &'static str) -> Result<i64, Fault> {
    match given {
        Some(given) if given < 0 || given > i64::from(i32::MAX) => Err(fault::invalid_argument(
            format!("Argument {argument} must be an integer between 0 and 2147483647"),
            argument,
            given.to_string(),
        )),
        Some(given) => Ok(given.min(PAGE_ENTRIES)),
        None => Ok(PAGE_ENTRIES),
    }
}

/// The names that keys were rolled up to.
pub(super) fn common(prefixes: &[String], encoding: Encoding) -> Vec<CommonPrefix> {
    prefixes.iter().map(|prefix| CommonPrefix { prefix: encoding.write(prefix) }).collect()
}

/// Where the page behind a marker begins. A marker that ends in the delimiter may be the rolled-up prefix that ended
/// the page before: then everything under it was told.
pub(super) fn behind(marker: &str, delimiter: Option<&str>) -> After {
    match delimiter {
        _ if marker.is_empty() => After::Nothing,
        Some(delimiter) if marker.ends_with(delimiter) => After::Prefix(marker.to_owned()),
        Some(_) | None => After::Key(marker.to_owned()),
    }
}

/// The name that a page ended with.
pub(super) fn name_of(after: &After) -> Option<&str> {
    match after {
        After::Nothing => None,
        After::Key(name) | After::Prefix(name) => Some(name),
    }
}

/// Where a page begins, as a token that means nothing to its holder.
pub(super) fn token(after: &After) -> Option<String> {
    match after {
        After::Nothing => None,
        After::Key(key) => Some(BASE64.encode(format!("k{key}"))),
        After::Prefix(prefix) => Some(BASE64.encode(format!("p{prefix}"))),
    }
}

/// # Errors
/// A text that is no token.
pub(super) fn read_token(token: &str) -> Result<After, Fault> {
    let wrong = || {
        fault::invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    };
    let text = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)?;
    match (text.strip_prefix('k'), text.strip_prefix('p')) {
        (Some(key), _) => Ok(After::Key(key.to_owned())),
        (None, Some(prefix)) => Ok(After::Prefix(prefix.to_owned())),
        (None, None) => Err(wrong()),
    }
}

/// Documents carry milliseconds that are always zero, as the `Last-Modified` header has whole seconds.
pub(super) fn whole_seconds(time: eddy_base::Timestamp) -> eddy_base::Timestamp {
    eddy_base::Timestamp::from_seconds(time.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_written_as_forms_write_them() {
        assert_eq!(form_encoded("年度 报告+1.txt"), "%E5%B9%B4%E5%BA%A6+%E6%8A%A5%E5%91%8A%2B1.txt");
        assert_eq!(form_encoded("a/b_c-d.e*~(1)"), "a/b_c-d.e*%7E%281%29");
    }

    proptest! {
        #[test]
        fn tokens_read_back(name: String) {
            for after in [After::Key(name.clone()), After::Prefix(name.clone())] {
                let text = token(&after).expect("a token");
                prop_assert_eq!(read_token(&text).expect("reads back"), after);
            }
        }

        #[test]
        fn strange_tokens_are_refused_or_read(text: String) {
            let _ = read_token(&text);
        }
    }
}
