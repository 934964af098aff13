//! Every row that this crate keeps. Values are in [`crate::function`].
//!
//! | row | cell | row part | written by | absent when |
//! |---|---|---|---|---|
//! | function | account, region | 1, name | create, change of settings or code | never made, or deleted |
//! | policy | account, region | 2, name | add and remove of a statement | no statement |
//! | URL | account, region | 3, name | create and change of the URL | the function has none |
//! | retry | account, region | 4, name | the configuration of asynchronous invocation | defaults hold |
//! | tags | account, region | 5, name | create, tag, untag | no tag |
//! | URL's owner | the URL's id | - | create of the URL | no such URL |
//!
//! Names are unique in an account and region, so that is the cell. The last row is in a space of its own,
//! since who calls a URL knows nothing but its id; it is written and deleted together with the URL's row.

use eddy_base::{Account, Region, Scope};
use eddy_store::{BadKey, Key, Range, Space};

/// Functions and what hangs on them.
pub const FUNCTIONS: Space = Space::new(b'f', "functions");
/// URL id to function.
pub const URLS: Space = Space::new(b'u', "function urls");

/// What hangs on a function's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Function = 1,
    Policy = 2,
    Url = 3,
    Retry = 4,
    Tags = 5,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Function, Kind::Policy, Kind::Url, Kind::Retry, Kind::Tags];
}

/// A function's name with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    pub scope: Scope,
    pub name: String,
}

pub(crate) fn row(scope: &Scope, kind: Kind, name: &str) -> Key {
    cell(scope).u8(kind as u8).text(name).key()
}

/// All rows of one kind in an account and region, by name.
pub(crate) fn all(scope: &Scope, kind: Kind) -> Range {
    cell(scope).u8(kind as u8).prefix()
}

pub(crate) fn url_owner(id: &str) -> Key {
    URLS.key().text(id).cell().key()
}

/// Takes a key of [`FUNCTIONS`] apart.
pub(crate) fn read(key: &Key) -> Result<(Kind, Name), BadKey> {
    let mut reader = key.reader();
    let account = Account::new(&reader.text()?).map_err(|_| BadKey)?;
    let region = Region::new(&reader.text()?).map_err(|_| BadKey)?;
    let number = reader.u8()?;
    let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == number).ok_or(BadKey)?;
    Ok((kind, Name { scope: Scope { account, region }, name: reader.text()? }))
}

fn cell(scope: &Scope) -> eddy_store::RowBuilder {
    FUNCTIONS.key().text(scope.account.as_str()).text(scope.region.as_str()).cell()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Scope> {
        ("[0-9]{12}", "[a-z0-9-]{1,32}").prop_map(|(account, region)| Scope {
            account: Account::new(&account).unwrap(),
            region: Region::new(&region).unwrap(),
        })
    }

    proptest! {
        #[test]
        fn keys_round_trip(scope in scopes(), name in "[a-zA-Z0-9_-]{1,64}", kind in 0usize..5) {
            let kind = Kind::ALL[kind];
            let key = row(&scope, kind, &name);
            prop_assert!(key.is_in(&all(&scope, kind)));
            prop_assert_eq!(read(&key).unwrap(), (kind, Name { scope, name }));
        }

        #[test]
        fn keys_of_a_kind_sort_by_name(scope in scopes(), a in "[a-zA-Z0-9_-]{1,64}", b in "[a-zA-Z0-9_-]{1,64}") {
            let (left, right) = (row(&scope, Kind::Url, &a), row(&scope, Kind::Url, &b));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        }

        #[test]
        fn every_url_is_its_own_cell(a in "[a-z0-9]{1,40}", b in "[a-z0-9]{1,40}") {
            prop_assert_eq!(url_owner(&a).cell() == url_owner(&b).cell(), a == b);
        }
    }
}
