//! What is stored of an HTTP API. Values are CBOR maps with integer keys; a number is never used again.

use eddy_base::{Scope, Timestamp};
use minicbor::{Decode, Encode};

use crate::cors::Cors;
use crate::error::Error;

/// Names and values in the order of the names: stage variables, tags.
pub type Pairs = Vec<(String, String)>;

/// An HTTP API. Every change of anything below it writes this row again, so that its position guards them all.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Api {
    /// The label in host names.
    #[n(0)]
    pub id: String,
    #[n(1)]
    pub scope: Scope,
    #[n(2)]
    pub name: String,
    #[n(3)]
    pub description: Option<String>,
    #[n(4)]
    pub version: Option<String>,
    #[n(5)]
    pub cors: Option<Cors>,
    #[n(6)]
    pub created: Timestamp,
    #[n(7)]
    pub tags: Pairs,
    /// It does not answer under its own host name.
    #[n(8)]
    pub disabled: bool,
}

/// Which requests go to which integration.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Route {
    #[n(0)]
    pub id: String,
    /// As the user wrote it; parses as a [`crate::route::Key`].
    #[n(1)]
    pub key: String,
    /// An integration of the same API. A route without one takes no request.
    #[n(2)]
    pub integration: Option<String>,
    #[n(3)]
    pub operation: Option<String>,
    /// Made together with the API, of which it is a part.
    #[n(4)]
    pub managed: bool,
}

/// What a route leads to: one function.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Integration {
    #[n(0)]
    pub id: String,
    /// The function as the dialect writes it. May hold `${stageVariables.NAME}`.
    #[n(1)]
    pub uri: String,
    #[n(2)]
    pub format: Format,
    #[n(3)]
    pub timeout_millis: u32,
    #[n(4)]
    pub description: Option<String>,
    /// The method that the dialect would call the function with; kept for whoever asks.
    #[n(5)]
    pub method: Option<String>,
    #[n(6)]
    pub managed: bool,
}

/// The form of the event that a function is handed and of what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Format {
    #[n(1)]
    One,
    #[n(2)]
    Two,
}

/// A name under which a deployment answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Stage {
    #[n(0)]
    pub name: String,
    /// What it serves. Without one it answers nothing.
    #[n(1)]
    pub deployment: Option<String>,
    /// Every change of routes and integrations is deployed at once.
    #[n(2)]
    pub auto_deploy: bool,
    #[n(3)]
    pub variables: Pairs,
    #[n(4)]
    pub description: Option<String>,
    #[n(5)]
    pub created: Timestamp,
    #[n(6)]
    pub updated: Timestamp,
    #[n(7)]
    pub tags: Pairs,
    /// How the last automatic deployment went.
    #[n(8)]
    pub message: Option<String>,
    #[n(9)]
    pub managed: bool,
}

impl Stage {
    /// The stage whose name does not stand in paths.
    pub const DEFAULT: &'static str = "$default";
}

/// Routes and integrations as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Deployment {
    #[n(0)]
    pub id: String,
    #[n(1)]
    pub created: Timestamp,
    #[n(2)]
    pub description: Option<String>,
    /// Made by a stage that deploys at once.
    #[n(3)]
    pub auto: bool,
    /// How many rows its snapshot has.
    #[n(4)]
    pub rows: u32,
}

/// What a deployment froze.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Snapshot {
    #[n(0)]
    pub routes: Vec<Route>,
    #[n(1)]
    pub integrations: Vec<Integration>,
}

pub(crate) fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to memory does not fail")
}

pub(crate) fn decode<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, Error> {
    minicbor::decode(bytes).map_err(|error| Error::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_round_trip(name in "\\PC{0,20}", number in 50_u32..30_000, flag: bool) {
            let integration = Integration {
                id: name.clone(),
                uri: name.clone(),
                format: if flag { Format::One } else { Format::Two },
                timeout_millis: number,
                description: flag.then(|| name.clone()),
                method: None,
                managed: flag,
            };
            prop_assert_eq!(decode::<Integration>(&encode(&integration)).unwrap(), integration);
        }

        #[test]
        fn garbage_is_an_error(bytes: Vec<u8>) {
            let _ = decode::<Snapshot>(&bytes);
            let _ = decode::<Api>(&bytes);
        }
    }
}
