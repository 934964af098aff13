//! The types that serde's own data model lacks: points in time and bytes, and errors with a name.

use std::fmt;

use bytes::Bytes;
use eddy_base::Timestamp;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name by which the engine knows a [`Time`].
pub(super) const TIME: &str = "$eddy_wire::Time";

/// A point in time in an input or output; the wire's format is the model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Time {
        Time(time)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TIME, &self.0.millis())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        struct Millis;
        impl<'de> Visitor<'de> for Millis {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Time, E> {
                Ok(Time(Timestamp::from_millis(millis)))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Time, D::Error> {
                i64::deserialize(inner).map(|millis| Time(Timestamp::from_millis(millis)))
            }
        }
        deserializer.deserialize_newtype_struct(TIME, Millis)
    }
}

/// Bytes in an input or output; the wire's encoding is the protocol's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Blob(pub Bytes);

impl From<Bytes> for Blob {
    fn from(bytes: Bytes) -> Blob {
        Blob(bytes)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        struct Buffer;
        impl Visitor<'_> for Buffer {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes.into()))
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(Bytes::copy_from_slice(bytes)))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Blob, E> {
                Err(E::custom("expected bytes"))
            }
        }
        deserializer.deserialize_byte_buf(Buffer)
    }
}

/// A refusal with the error's name, for types that parse themselves (`TryFrom<String>`): its `Display` carries
/// the name through serde, and [`from_document`](crate::from_document) takes it off again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    pub code: &'static str,
    pub message: String,
}

/// Stands around the name; no text of a person has it.
const MARK: char = '\u{1}';

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}{MARK}{}", self.code, self.message)
    }
}

impl std::error::Error for Coded {}

/// The name and the text of a message.
pub(super) fn split(message: &str) -> (Option<&str>, &str) {
    let coded = message.strip_prefix(MARK).and_then(|rest| rest.split_once(MARK));
    coded.map_or((None, message), |(code, text)| (Some(code), text))
}
