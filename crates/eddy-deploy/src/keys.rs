//! Every persisted key of deployments: who writes it, when it may be absent.
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | account, region, stack / logical id | [`Row`] | a deployment, before a resource is made and after | before its first deployment and after its removal |
//! | account, region, stack / `/` | the folder, text | a deployment | before the first one |
//! | account, region, stack / logical id `/` physical id | [`Row`] | a deployment that makes another resource in its place | unless something was replaced and is not removed yet |

use std::collections::BTreeMap;

use eddy_base::Scope;
use eddy_store::{Key, Range, Space};
use minicbor::{Decode, Encode};
use serde_json::Value;

use crate::resolve::Made;

/// The key space of deployments.
pub const SPACE: Space = Space::new(b'd', "deploy");

/// In place of a logical id in the key of [`folder`].
pub const FOLDER: &str = "/";

/// A resource that a template has made, or is about to make.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Row {
    /// `AWS::S3::Bucket`.
    #[n(0)]
    pub kind: String,
    /// What `Ref` gives. Empty while the service has not chosen it.
    #[n(1)]
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    #[n(2)]
    pub attributes: BTreeMap<String, String>,
    /// The properties that it was last made or changed with, as JSON.
    #[n(3)]
    pub properties: String,
    #[n(4)]
    pub state: State,
    /// `DeletionPolicy: Retain`.
    #[n(5)]
    pub is_retained: bool,
    /// Its place in the order of making; removal goes backwards.
    #[n(6)]
    pub number: u32,
    /// Where the service chooses the name: the ids of all that there were when this one was about to be made.
    #[n(7)]
    pub others: Option<Vec<String>>,
}

/// How far the making of a resource has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// Nothing had its name when this was written; if something has it now, a deployment that was cut off made it.
    #[n(0)]
    Intended,
    /// It exists, and not all of it is as the row says.
    #[n(1)]
    Unsettled,
    /// It is as the row says.
    #[n(2)]
    Settled,
}

impl Row {
    pub fn made(&self) -> Made {
        Made { physical_id: self.physical_id.clone(), attributes: self.attributes.clone() }
    }

    /// The properties as JSON.
    pub fn values(&self) -> Value {
        serde_json::from_str(&self.properties).unwrap_or_default()
    }
}

/// What stands in place of a logical id in the row of a resource that was replaced and is still to be removed. No
/// logical id has a slash.
pub fn replaced(id: &str, physical_id: &str) -> String {
    format!("{id}/{physical_id}")
}

/// The row of a resource.
pub fn resource(scope: &Scope, stack: &str, id: &str) -> Key {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    SPACE.key().text(account).text(region).text(stack).cell().text(id).key()
}

/// The row that says from which folder a stack is deployed. No logical id is a slash.
pub fn folder(scope: &Scope, stack: &str) -> Key {
    resource(scope, stack, FOLDER)
}

/// All rows of a stack.
pub fn all(scope: &Scope, stack: &str) -> Range {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    SPACE.key().text(account).text(region).text(stack).cell().prefix()
}

/// The logical id in a key made by [`resource`].
pub fn logical_id(key: &Key) -> Option<String> {
    let mut reader = key.reader();
    for _ in 0..3 {
        reader.text().ok()?;
    }
    reader.text().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_resource_back() {
        let scope = Scope { account: eddy_base::Account::default(), region: eddy_base::Region::default() };
        assert_eq!(logical_id(&resource(&scope, "samples", "Hello")).as_deref(), Some("Hello"));
    }

    #[test]
    fn rows_round_trip() {
        let row = Row {
            kind: "AWS::S3::Bucket".to_owned(),
            physical_id: "b".to_owned(),
            attributes: [("Arn".to_owned(), "arn:aws:s3:::b".to_owned())].into(),
            properties: "{}".to_owned(),
            state: State::Unsettled,
            is_retained: false,
            number: 3,
            others: Some(vec!["0123456789".to_owned()]),
        };
        let bytes = minicbor::to_vec(&row).expect("writing to memory does not fail");
        assert_eq!(minicbor::decode::<Row>(&bytes).expect("what was written is read"), row);
    }
}
