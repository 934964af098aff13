//! What the rows hold. CBOR maps with integer keys; a number is never used again for something else.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use eddy_base::{Cause, Id, Scope, Timestamp};
use eddy_store::{BlobId, Row};
use minicbor::{Decode, Encode};

use crate::checksum::{Algorithm, Checksum, Coverage};
use crate::error::Error;

/// One life of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Bucket {
    #[n(0)]
    pub owner: Scope,
    #[n(1)]
    pub created: Timestamp,
}

/// Names and values, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Tags {
    #[n(0)]
    pub pairs: Vec<(String, String)>,
}

/// What pages of other origins may do with a bucket, in the order in which the rules are tried.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OriginRules {
    #[n(0)]
    pub rules: Vec<OriginRule>,
}

/// One of these rules. A `*` in an origin or a request header stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OriginRule {
    /// As its owner calls it.
    #[n(0)]
    pub id: Option<String>,
    #[n(1)]
    pub origins: Vec<String>,
    #[n(2)]
    pub methods: Vec<String>,
    /// Headers that a request may have.
    #[n(3)]
    pub request_headers: Vec<String>,
    /// Headers of an answer that the page gets to see.
    #[n(4)]
    pub exposed_headers: Vec<String>,
    /// How long a browser may remember the rule.
    #[n(5)]
    pub max_age_seconds: Option<u32>,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// Bytes.
    #[n(0)]
    pub size: u64,
    #[n(1)]
    pub etag: Etag,
    #[n(2)]
    pub modified: Timestamp,
    #[n(3)]
    pub description: Description,
    #[n(4)]
    pub checksum: Option<Checksum>,
    /// The upload that it was put together by. Lets a completion that is asked for twice be answered twice.
    #[n(5)]
    pub upload: Option<UploadId>,
    /// How many parts it was uploaded in; none for an object that came in one piece.
    #[n(6)]
    pub parts: Option<u32>,
    /// What it was written by.
    #[n(7)]
    pub cause: Cause,
    /// The body, unless it stands in a row beside this one.
    #[n(8)]
    pub(crate) body: Option<Body>,
}

/// What the writer says about an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Description {
    #[n(0)]
    pub content_type: Option<String>,
    #[n(1)]
    pub content_encoding: Option<String>,
    #[n(2)]
    pub content_language: Option<String>,
    #[n(3)]
    pub content_disposition: Option<String>,
    #[n(4)]
    pub cache_control: Option<String>,
    /// As given; not every client sends a date.
    #[n(5)]
    pub expires: Option<String>,
    /// The user's own, names in lower case.
    #[n(6)]
    pub metadata: BTreeMap<String, String>,
}

/// MD5 of the bytes, or of the parts' MD5s. Written as hexadecimal, with `-N` behind it for N parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Etag {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub md5: [u8; 16],
    /// None for an object that came in one piece.
    #[n(1)]
    pub parts: Option<u32>,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Body {
    /// The bytes themselves, encrypted, when they are few. Then there are no extents.
    #[cbor(n(0), with = "crate::cbor::optional", has_nil)]
    pub(crate) inline: Option<Bytes>,
    /// Pieces of blobs, in the order of the bytes.
    #[n(1)]
    pub(crate) extents: Vec<Extent>,
    /// The holds by which extents of other buckets' blobs are shared.
    #[n(2)]
    pub(crate) foreign: Vec<ForeignHold>,
    /// The parts that it was uploaded in.
    #[n(3)]
    pub(crate) parts: Vec<PartMark>,
    /// What the key of inline bytes is made of.
    #[n(4)]
    pub(crate) salt: Option<Id>,
}

/// A piece of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Extent {
    #[n(0)]
    pub blob: BlobId,
    /// Bytes into the blob.
    #[n(1)]
    pub offset: u64,
    /// Bytes.
    #[n(2)]
    pub length: u64,
    /// Index of the hold that it is shared by; none for a blob that is counted in this bucket.
    #[n(3)]
    pub foreign: Option<u32>,
}

/// A share of blobs that another bucket counts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ForeignHold {
    /// The bucket where the blobs are counted.
    #[n(0)]
    pub home: String,
    #[n(1)]
    pub hold: Id,
}

/// What remains of a part after completion.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PartMark {
    #[n(0)]
    pub number: u32,
    /// Bytes.
    #[n(1)]
    pub size: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub checksum: Vec<u8>,
}

/// Names an upload: its beginning in milliseconds, so that uploads of a key sort by age, and 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct UploadId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 24]);

/// An upload in parts that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Upload {
    #[n(0)]
    pub initiated: Timestamp,
    #[n(1)]
    pub description: Description,
    #[n(2)]
    pub tags: Vec<(String, String)>,
    /// The checksum that parts and object get.
    #[n(3)]
    pub algorithm: Algorithm,
    #[n(4)]
    pub coverage: Coverage,
    /// Whether the client chose the algorithm, or got the default.
    #[n(5)]
    pub chosen: bool,
    /// Who began it.
    #[n(6)]
    pub principal: String,
}

/// An uploaded part.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Part {
    /// Bytes.
    #[n(0)]
    pub size: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub md5: [u8; 16],
    #[n(2)]
    pub modified: Timestamp,
    #[n(3)]
    pub checksum: Checksum,
    #[n(4)]
    pub(crate) body: Body,
}

/// Blobs of this cell that an object or part of another bucket names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Hold {
    /// One entry for each extent.
    #[n(0)]
    pub blobs: Vec<BlobId>,
    /// The bucket of the object or part.
    #[n(1)]
    pub holder: String,
}

/// That something of this bucket names blobs by a hold in another cell, or no longer does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Foreign {
    /// The bucket whose cell has the hold.
    #[n(0)]
    pub home: String,
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.md5 {
            write!(f, "{byte:02x}")?;
        }
        match self.parts {
            Some(parts) => write!(f, "-{parts}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for UploadId {
    type Err = Error;

    /// # Errors
    /// [`Error::NoSuchUpload`] for a text that no upload was ever named by.
    fn from_str(text: &str) -> Result<UploadId, Error> {
        if text.len() != 48 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::NoSuchUpload);
        }
        let mut id = [0; 24];
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).unwrap_or_default();
            *byte = u8::try_from(digit(0) << 4 | digit(1)).map_err(|_| Error::NoSuchUpload)?;
        }
        Ok(UploadId(id))
    }
}

pub(crate) fn encode<T: Encode<()>>(value: &T) -> Bytes {
    Bytes::from(minicbor::to_vec(value).expect("encoding into memory does not fail"))
}

/// Reads a row's value; `what` names it in the error.
pub(crate) fn decode<T: for<'b> Decode<'b, ()>>(row: &Row, what: &'static str) -> Result<T, Error> {
    minicbor::decode(&row.value).map_err(|error| {
        tracing::error!(what, pos = row.pos.0, %error, "a stored row can't be read");
        Error::Damaged(what)
    })
}
