//! What is stored of a function. Values are CBOR maps with integer keys; a number is never used again.

use std::fmt;

use eddy_base::{Fault, Id, Timestamp};
use eddy_store::BlobId;
use minicbor::{Decode, Encode};

use crate::error::Error;
use crate::logging::Logging;
use crate::report::Form;

/// The one version that every function has: what was deployed last.
pub const LATEST: &str = "$LATEST";

/// A function: what it is called, how it is run, and its code.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Function {
    #[n(0)]
    pub name: String,
    /// Changes with every change of settings or code. Environments of another build are not used any more.
    #[n(1)]
    pub build: Id,
    /// Changes with every change of settings, code or policy; what users name to change only what they have seen.
    #[n(2)]
    pub revision: Id,
    /// When settings or code were changed last.
    #[n(3)]
    pub modified: Timestamp,
    #[n(4)]
    pub settings: Settings,
    #[n(5)]
    pub code: Code,
}

impl Function {
    /// # Errors
    /// `ConditionFailed` about the function when a revision is wanted that is not the current one.
    pub fn check_revision(&self, wanted: Option<&str>) -> Result<(), Fault> {
        match wanted {
            Some(wanted) if wanted != self.revision.to_string() => Err(Error::Revision.into()),
            Some(_) | None => Ok(()),
        }
    }
}

/// What a user configures.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Settings {
    /// The guest contract and its version, such as `python3.12`.
    #[n(0)]
    pub runtime: String,
    #[n(1)]
    pub handler: String,
    /// The role that the function runs as, as the dialect names it.
    #[n(2)]
    pub role: String,
    #[n(3)]
    pub description: String,
    #[n(4)]
    pub timeout_seconds: u32,
    #[n(5)]
    pub memory_mb: u32,
    /// The size of `/tmp`.
    #[n(6)]
    pub tmp_mb: u32,
    #[n(7)]
    pub variables: Variables,
    /// None is text in the usual group.
    #[n(8)]
    pub logging: Option<Logging>,
}

impl Settings {
    /// In which form the platform speaks in the function's log.
    pub(crate) fn form(&self) -> Form {
        match self.logging.as_ref().and_then(|logging| logging.json) {
            Some(levels) => Form::Json(levels.system),
            None => Form::Text,
        }
    }
}

/// Environment variables. Their values are secrets: they are never printed, so `Debug` shows names only.
#[derive(Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Variables(#[n(0)] pub Vec<(String, String)>);

impl Variables {
    /// Names and values together, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Which package a function runs.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Code {
    #[n(0)]
    pub hash: Hash,
    /// Of the zip.
    #[n(1)]
    pub size_bytes: u64,
    /// Of all files together.
    #[n(2)]
    pub unpacked_bytes: u64,
    /// Where the zip is kept.
    #[n(3)]
    pub blob: BlobId,
}

/// SHA-256 of a package as it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// 64 hexadecimal digits, the name of the package's folder.
    pub fn hex(&self) -> String {
        use fmt::Write;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// # Errors
    /// `None` unless the text is what [`Hash::hex`] writes.
    pub fn from_hex(text: &str) -> Option<Hash> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Hash(bytes))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl<C> Encode<C> for Hash {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Hash {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Hash, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        bytes.try_into().map(Hash).map_err(|_| minicbor::decode::Error::message("a hash has 32 bytes"))
    }
}

/// Who may do what with a function, beside those whose own policies say so.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Policy {
    #[n(0)]
    pub statements: Vec<Statement>,
}

impl Policy {
    /// The whole document.
    pub fn json(&self) -> String {
        let statements: Vec<&str> = self.statements.iter().map(|statement| statement.json.as_str()).collect();
        format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{}]}}"#, statements.join(","))
    }
}

/// One statement, as the dialect rendered it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Statement {
    #[n(0)]
    pub id: String,
    /// A JSON object of the policy language.
    #[n(1)]
    pub json: String,
}

/// An address at which a function answers HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Url {
    /// The label in the host name.
    #[n(0)]
    pub id: String,
    #[n(1)]
    pub auth: Auth,
    #[n(2)]
    pub cors: Option<Cors>,
    #[n(3)]
    pub created: Timestamp,
    #[n(4)]
    pub modified: Timestamp,
}

/// Who may call a [`Url`]. The function's policy must allow it in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Auth {
    #[n(0)]
    Anyone,
    /// Requests with a valid signature.
    #[n(1)]
    Signed,
}

/// What browsers of other origins may do. Empty lists and `None` are as not configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Cors {
    #[n(0)]
    pub allow_credentials: Option<bool>,
    #[n(1)]
    pub allow_headers: Vec<String>,
    #[n(2)]
    pub allow_methods: Vec<String>,
    #[n(3)]
    pub allow_origins: Vec<String>,
    #[n(4)]
    pub expose_headers: Vec<String>,
    #[n(5)]
    pub max_age_seconds: Option<u32>,
}

/// How asynchronous invocations are tried again. `None` is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Retry {
    /// Attempts after the first, 0 to 2.
    #[n(0)]
    pub attempts: Option<u8>,
    /// The age at which an event is given up, 60 to 21,600 s.
    #[n(1)]
    pub age_seconds: Option<u32>,
    #[n(2)]
    pub modified: Timestamp,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logging::{Level, Levels};

    fn function(variables: Vec<(String, String)>) -> Function {
        Function {
            name: "f".to_owned(),
            build: Id::from_bytes([1; 16]),
            revision: Id::from_bytes([2; 16]),
            modified: Timestamp::from_seconds(5),
            settings: Settings {
                runtime: "python3.13".to_owned(),
                handler: "app.handler".to_owned(),
                role: "r".to_owned(),
                description: String::new(),
                timeout_seconds: 3,
                memory_mb: 128,
                tmp_mb: 512,
                variables: Variables(variables),
                logging: Some(Logging {
                    group: Some("/mine".to_owned()),
                    json: Some(Levels { application: Level::Trace, system: Level::Warn }),
                }),
            },
            code: Code {
                hash: Hash([3; 32]),
                size_bytes: 7,
                unpacked_bytes: 9,
                blob: BlobId::from_bytes([4; 16]),
            },
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", function(vec![("PASSWORD".to_owned(), "hunter2".to_owned())]));
        assert!(shown.contains("PASSWORD") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn members_of_later_versions_are_passed_over() {
        let mut bytes = minicbor::to_vec(function(Vec::new())).unwrap();
        // A map of six becomes one of seven, with a member that nobody knows.
        assert_eq!(bytes[0], 0xa6);
        bytes[0] = 0xa7;
        bytes.extend([0x18, 99, 0x61, b'x']);
        assert_eq!(minicbor::decode::<Function>(&bytes).unwrap(), function(Vec::new()));
    }

    proptest! {
        #[test]
        fn rows_round_trip(variables in proptest::collection::vec((".{1,20}", ".{0,40}"), 0..5)) {
            let function = function(variables);
            let bytes = minicbor::to_vec(&function).unwrap();
            prop_assert_eq!(minicbor::decode::<Function>(&bytes).unwrap(), function);
        }

        #[test]
        fn hashes_are_read_as_they_are_written(bytes in any::<[u8; 32]>(), other in ".{0,70}") {
            prop_assert_eq!(Hash::from_hex(&Hash(bytes).hex()), Some(Hash(bytes)));
            prop_assert!(Hash::from_hex(&other).is_none_or(|hash| hash.hex() == other));
        }
    }
}
