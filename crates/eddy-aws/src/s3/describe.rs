//! What a writer says about an object: headers that are kept, and the user's metadata.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::Fault;
use eddy_objects::{Description, Tags};
use http::HeaderName;
use serde::Deserialize;

use super::limits::METADATA_BYTES_MAX;
use super::{fault, tags};

/// What an object is when nobody says what it is.
pub(super) const UNKNOWN_TYPE: &str = "binary/octet-stream";

/// What the operations that write an object may say of it.
#[derive(Deserialize)]
pub(super) struct Said {
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_type: Option<String>,
    expires: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    tagging: Option<String>,
}

impl Said {
    /// # Errors
    /// As [`checked`].
    pub(super) fn description(&self) -> Result<Description, Fault> {
        checked(Description {
            content_type: self.content_type.clone(),
            content_encoding: self.content_encoding.clone(),
            content_language: self.content_language.clone(),
            content_disposition: self.content_disposition.clone(),
            cache_control: self.cache_control.clone(),
            expires: self.expires.clone(),
            metadata: self.metadata.clone().unwrap_or_default(),
        })
    }

    pub(super) fn has_tags(&self) -> bool {
        self.tagging.is_some()
    }

    /// # Errors
    /// As [`tags::of_header`].
    pub(super) fn tags(&self) -> Result<Tags, Fault> {
        tags::of_header(self.tagging.as_deref().unwrap_or_default())
    }
}

/// Tidies what a request says.
///
/// # Errors
/// Metadata that is too large, and what no header of an answer could hold: a query and a form may say it.
pub(super) fn checked(description: Description) -> Result<Description, Fault> {
    let bytes: usize = description.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        let text = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(fault::invalid("MetadataTooLarge", text)
            .with("Size", bytes.to_string())
            .with("MaxSizeAllowed", METADATA_BYTES_MAX.to_string()));
    }
    let metadata: BTreeMap<String, String> =
        description.metadata.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let description =
        Description { content_encoding: encoding(description.content_encoding), metadata, ..description };
    check_headers(&description)?;
    Ok(description)
}

fn check_headers(description: &Description) -> Result<(), Fault> {
    let said = [
        ("Content-Type", &description.content_type),
        ("Content-Encoding", &description.content_encoding),
        ("Content-Language", &description.content_language),
        ("Content-Disposition", &description.content_disposition),
        ("Cache-Control", &description.cache_control),
        ("Expires", &description.expires),
    ];
    let said = said.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let own = description.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let is_unfit = |value: &str| value.chars().any(|letter| letter.is_control() && letter != '\t');
    if let Some((name, value)) = said.chain(own).find(|(_, value)| is_unfit(value)) {
        return Err(fault::invalid_argument("A header can not hold control characters.", name, value));
    }
    match description.metadata.keys().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
        Some(name) => Err(fault::invalid_argument("The name is no name of a header.", "metadata", name)),
        None => Ok(()),
    }
}

/// Metadata as answers have it: what is not ASCII is encoded as in mail (RFC 2047), each byte of the header that came
/// taken for a letter, as S3 documents it.
pub(super) fn told(metadata: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let tell = |value: String| {
        if value.is_ascii() {
            return value;
        }
        let letters: String = value.bytes().map(char::from).collect();
        format!("=?UTF-8?B?{}?=", BASE64.encode(letters))
    };
    metadata.into_iter().map(|(name, value)| (name, tell(value))).collect()
}

/// The encoding without that of the transfer, which is taken off before anything is stored.
fn encoding(header: Option<String>) -> Option<String> {
    let header = header?;
    let kept: Vec<&str> = header
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    let kept = kept.join(",");
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transfer_leaves_no_trace() {
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(encoding(Some(header.into())).as_deref(), expected, "{header}");
        };
        check("aws-chunked", None);
        check("aws-chunked, gzip", Some("gzip"));
        check("gzip,aws-chunked,br", Some("gzip,br"));
        check("identity", Some("identity"));
        assert_eq!(encoding(None), None);
    }

    #[test]
    fn nothing_is_kept_that_no_header_can_hold() {
        let check = |name: &str, value: &str, is_kept: bool| {
            let description = Description {
                metadata: [(name.to_owned(), value.to_owned())].into(),
                content_type: Some(value.to_owned()),
                ..Description::default()
            };
            assert_eq!(checked(description).is_ok(), is_kept, "{name:?} {value:?}");
        };
        check("a", "b c\t d", true);
        check("a", "\u{e4}", true);
        check("a", "b\r\nx-amz-meta-c: d", false);
        check("a", "\0", false);
        check("a b", "c", false);
        check("\u{e4}", "c", false);
    }

    #[test]
    fn metadata_that_is_not_ascii_is_told_as_in_mail() {
        let told = told([("a".into(), "plain".into()), ("n".into(), "ÄMÄZÕÑ S3".into())].into());
        assert_eq!(
            (told["a"].as_str(), told["n"].as_str()),
            ("plain", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=")
        );
    }

    #[test]
    fn metadata_has_lower_case_names_and_a_limit() {
        let said = |value: String| Description {
            metadata: [("Key".into(), value)].into(),
            ..Description::default()
        };
        let kept = checked(said("v".repeat(2045))).expect("fits");
        assert_eq!(kept.metadata.keys().collect::<Vec<_>>(), ["key"]);
        assert_eq!(checked(said("v".repeat(2046))).expect_err("too large").name, Some("MetadataTooLarge"));
    }
}
