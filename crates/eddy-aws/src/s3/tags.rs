//! Tags, in documents and in the `x-amz-tagging` header.

use std::collections::HashSet;

use bytes::Bytes;
use eddy_base::Fault;
use eddy_objects::Tags;
use eddy_wire::{Protocol, Routed, decode, from_document, schema};
use http::Request;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::fault;
use super::limits::{BUCKET_TAGS_MAX, OBJECT_TAGS_MAX, TAG_KEY_MAX, TAG_VALUE_MAX};

/// One tag of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    key: String,
    value: String,
}

/// The document of tags.
#[derive(Debug, Deserialize)]
pub(super) struct Tagging {
    tag_set: Option<Vec<Tag>>,
}

impl Tagging {
    /// # Errors
    /// As [`of_object`].
    pub(super) fn of_object(self) -> Result<Tags, Fault> {
        of_object(self.tag_set.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// # Errors
    /// As [`of_object`], with a bucket's limit.
    pub(super) fn of_bucket(self) -> Result<Tags, Fault> {
        of_bucket(self.tag_set.unwrap_or_default())
    }
}

/// # Errors
/// As [`of_object`], with a bucket's limit.
pub(super) fn of_bucket(tags: Vec<Tag>) -> Result<Tags, Fault> {
    let tags: Tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags.len() > BUCKET_TAGS_MAX {
        return Err(fault::invalid("BadRequest", "Bucket tag count cannot be greater than 50"));
    }
    checked(tags)
}

/// # Errors
/// Too many tags, a key twice, keys or values that are too long or that only AWS may give.
pub(super) fn of_object(tags: Tags) -> Result<Tags, Fault> {
    if tags.len() > OBJECT_TAGS_MAX {
        return Err(fault::invalid("BadRequest", "Object tags cannot be greater than 10"));
    }
    checked(tags)
}

/// Reads `key=value&...`, each URL-encoded.
///
/// # Errors
/// Another form, and as [`of_object`].
pub(super) fn of_header(header: &str) -> Result<Tags, Fault> {
    let malformed = || {
        fault::invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
             name duplicates.",
            "x-amz-tagging",
            header,
        )
    };
    let decode = |text: &str| -> Result<String, Fault> {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(Into::into).map_err(|_| malformed())
    };
    let mut tags = Tags::new();
    let mut keys = HashSet::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decode(key)?;
        if !keys.insert(key.clone()) {
            return Err(malformed());
        }
        tags.push((key, decode(value)?));
    }
    of_object(tags)
}

/// Reads the document itself, as upload forms carry it.
///
/// # Errors
/// Not such a document, and as [`of_object`].
pub(super) fn of_document(xml: &str) -> Result<Tags, Fault> {
    /// What PutObjectTagging has in its body.
    #[derive(Deserialize)]
    struct Input {
        tagging: Tagging,
    }
    let operation = schema::service("s3").and_then(|service| service.operation("PutObjectTagging"));
    let operation = operation.ok_or_else(|| Fault::internal("the model of S3 has no tagging"))?;
    let (head, ()) = Request::new(()).into_parts();
    let body = Bytes::copy_from_slice(xml.as_bytes());
    let document = decode(&Routed::new(operation), Protocol::RestXml, &head, body);
    let document = document.map_err(|_| fault::malformed_xml())?;
    from_document::<Input>(operation, document).map_err(|_| fault::malformed_xml())?.tagging.of_object()
}

/// As documents list them.
pub(super) fn to_set(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

fn checked(tags: Tags) -> Result<Tags, Fault> {
    let mut keys = HashSet::new();
    for (key, value) in &tags {
        if key.is_empty() || key.chars().count() > TAG_KEY_MAX || !key.chars().all(allowed) {
            return Err(invalid_tag("The TagKey you have provided is invalid").with("TagKey", key.clone()));
        }
        if value.chars().count() > TAG_VALUE_MAX || !value.chars().all(allowed) {
            return Err(invalid_tag("The TagValue you have provided is invalid")
                .with("TagKey", key.clone())
                .with("TagValue", value.clone()));
        }
        if key.starts_with("aws:") {
            let text = "System tags cannot be added/updated by requester";
            return Err(invalid_tag(text).with("TagKey", key.clone()));
        }
        if !keys.insert(key) {
            return Err(
                invalid_tag("Cannot provide multiple Tags with the same key").with("TagKey", key.clone())
            );
        }
    }
    Ok(tags)
}

/// Letters, digits and spaces of any script, and a few signs.
fn allowed(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

fn invalid_tag(text: &str) -> Fault {
    fault::invalid("InvalidTag", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_a_query_string() {
        let check = |header: &str, expected: &[(&str, &str)]| {
            let expected: Tags = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(of_header(header).expect("sound"), expected, "{header}");
        };
        check("", &[]);
        check("a=1&b=two+words", &[("a", "1"), ("b", "two words")]);
        check("%E5%B9%B4=%2F&empty", &[("年", "/"), ("empty", "")]);
        for wrong in ["a=1&a=2", "a=%ff", "=1", "aws:x=1", "a=<", &"k=v&".repeat(11)] {
            assert!(of_header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_document_is_that_of_put_object_tagging() {
        let xml = "<Tagging><TagSet><Tag><Key>a</Key><Value>1 &amp; 2</Value></Tag></TagSet></Tagging>";
        let refused = of_document(xml).expect_err("an ampersand is no letter");
        assert_eq!(refused.name, Some("InvalidTag"));
        let tags = of_document(&xml.replace(" &amp; ", " ")).expect("sound");
        assert_eq!(tags, [("a".to_owned(), "1 2".to_owned())]);
        assert_eq!(of_document("<Tagging>").expect_err("no XML").name, Some("MalformedXML"));
    }

    #[test]
    fn limits_are_kept() {
        let tags = |count: usize| (0..count).map(|n| (format!("k{n}"), "v".to_owned())).collect::<Tags>();
        assert!(of_object(tags(10)).is_ok());
        assert!(of_object(tags(11)).is_err());
        assert!(of_object(vec![("k".repeat(128), "v".repeat(256))]).is_ok());
        assert!(of_object(vec![("k".repeat(129), String::new())]).is_err());
        assert!(of_object(vec![("k".into(), "v".repeat(257))]).is_err());
    }
}
