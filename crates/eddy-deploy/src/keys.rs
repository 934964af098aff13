//! Every persisted key of deployments: who writes it, when it may be absent.
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | account, region, stack / logical id | [`Row`] | `Deployer::deploy`, before a resource is made and after | before its first deployment and after its removal |

use std::collections::BTreeMap;

use eddy_base::Scope;
use eddy_store::{Key, Range, Space};
use minicbor::{Decode, Encode};

/// The key space of deployments.
pub const SPACE: Space = Space::new(b'd', "deploy");

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
    /// The properties that it was last made with, as JSON.
    #[n(3)]
    pub properties: String,
    /// Is it made? A row that says no is a deployment that was interrupted.
    #[n(4)]
    pub is_made: bool,
    #[n(5)]
    pub is_retained: bool,
    /// Its place in the order of making; removal goes backwards.
    #[n(6)]
    pub number: u32,
}

/// The row of a resource.
pub fn resource(scope: &Scope, stack: &str, id: &str) -> Key {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    SPACE.key().text(account).text(region).text(stack).cell().text(id).key()
}

/// All resources of a stack.
pub fn resources(scope: &Scope, stack: &str) -> Range {
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
            is_made: true,
            is_retained: false,
            number: 3,
        };
        let bytes = minicbor::to_vec(&row).expect("writing to memory does not fail");
        assert_eq!(minicbor::decode::<Row>(&bytes).expect("what was written is read"), row);
    }
}
