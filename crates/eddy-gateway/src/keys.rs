//! Every row that this crate keeps. Values are in [`crate::rows`].
//!
//! | row | row part | written by | absent when |
//! |---|---|---|---|
//! | API | 1, API's id | every change of the API or of anything below it | never made, or deleted |
//! | place | 2, account, region, API's id | create of the API | as the API |
//! | route | 3, API's id, route's id | create and change of the route, import | not made, or deleted |
//! | integration | 4, API's id, integration's id | likewise | likewise |
//! | stage | 5, API's id, stage's name | likewise, and each automatic deployment | likewise |
//! | deployment | 6, API's id, deployment's id | create of the deployment, automatic deployment | likewise |
//! | snapshot | 7, API's id, deployment's id, number | with its deployment; as many as that says | likewise |
//!
//! All are one cell. Who sends a request knows nothing but an API's id, so the id must lead to everything; lists
//! go by place. Configuration changes seldom, and a cell holds both without a change that spans two.

use eddy_base::Scope;
use eddy_store::{BadKey, Key, Range, RowBuilder, Space};

/// HTTP APIs.
pub const SPACE: Space = Space::new(b'g', "http apis");

/// What hangs on an API's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Api = 1,
    Place = 2,
    Route = 3,
    Integration = 4,
    Stage = 5,
    Deployment = 6,
    Snapshot = 7,
}

fn row(kind: Kind) -> RowBuilder {
    SPACE.key().cell().u8(kind as u8)
}

pub(crate) fn api(id: &str) -> Key {
    row(Kind::Api).text(id).key()
}

pub(crate) fn place(scope: &Scope, api: &str) -> Key {
    row(Kind::Place).text(scope.account.as_str()).text(scope.region.as_str()).text(api).key()
}

/// The APIs of an account in a region, by id.
pub(crate) fn places(scope: &Scope) -> Range {
    row(Kind::Place).text(scope.account.as_str()).text(scope.region.as_str()).prefix()
}

/// A route, integration, stage or deployment of an API.
pub(crate) fn part(kind: Kind, api: &str, id: &str) -> Key {
    row(kind).text(api).text(id).key()
}

/// All of one kind that an API has.
pub(crate) fn parts(kind: Kind, api: &str) -> Range {
    row(kind).text(api).prefix()
}

pub(crate) fn snapshot(api: &str, deployment: &str, number: u32) -> Key {
    row(Kind::Snapshot).text(api).text(deployment).u64(u64::from(number)).key()
}

/// The API that a row belongs to.
pub(crate) fn api_of(key: &Key) -> Result<String, BadKey> {
    let mut reader = key.reader();
    let kind = reader.u8()?;
    if kind == Kind::Place as u8 {
        reader.text()?;
        reader.text()?;
    }
    reader.text()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_names_its_api_and_stays_in_its_range(api_id in "[a-z0-9]{1,12}", id in "\\PC{1,12}") {
            let scope = Scope { account: Default::default(), region: Default::default() };
            let kinds = [Kind::Route, Kind::Integration, Kind::Stage, Kind::Deployment];
            let mut keys = vec![api(&api_id), place(&scope, &api_id), snapshot(&api_id, &id, 7)];
            prop_assert!(keys[1].is_in(&places(&scope)));
            for kind in kinds {
                let key = part(kind, &api_id, &id);
                prop_assert!(key.is_in(&parts(kind, &api_id)));
                keys.push(key);
            }
            for key in keys {
                prop_assert_eq!(api_of(&key).unwrap(), api_id.clone());
                prop_assert_eq!(key.cell(), api("x").cell());
            }
        }

        #[test]
        fn parts_sort_as_their_ids_do(a in "[a-z0-9$_-]{1,8}", b in "[a-z0-9$_-]{1,8}") {
            let key = |id: &str| part(Kind::Stage, "api", id);
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.as_bytes().cmp(b.as_bytes()));
        }
    }
}
