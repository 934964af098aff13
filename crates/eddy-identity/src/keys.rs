//! Every key that this crate persists.
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `i`, account \| 0 | [`AccountRow`] | the first start | never, once a start has succeeded |
//! | `i`, account \| 1, name in lower case | [`crate::Role`] | CRUD of roles | no such role |
//! | `i`, account \| 2 | counter of the account's roles | creating and deleting roles | none yet |
//!
//! The cell is the account, in which names of roles are unique whatever their case.

use eddy_base::{Account, Timestamp};
use eddy_store::{Key, Range, Space};

/// Everything of identity.
pub const SPACE: Space = Space::new(b'i', "identity");

const ACCOUNT: u8 = 0;
const ROLE: u8 = 1;
const ROLE_COUNT: u8 = 2;

/// That an account exists.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub(crate) struct AccountRow {
    #[n(0)]
    pub made: Timestamp,
}

pub(crate) fn account(account: &Account) -> Key {
    SPACE.key().text(account.as_str()).cell().u8(ACCOUNT).key()
}

pub(crate) fn role(account: &Account, name: &str) -> Key {
    SPACE.key().text(account.as_str()).cell().u8(ROLE).text(&name.to_ascii_lowercase()).key()
}

pub(crate) fn roles(account: &Account) -> Range {
    SPACE.key().text(account.as_str()).cell().u8(ROLE).prefix()
}

pub(crate) fn role_count(account: &Account) -> Key {
    SPACE.key().text(account.as_str()).cell().u8(ROLE_COUNT).key()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_keys() {
        let own = Account::default();
        let text = |key: Key| key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let cell = "69000e3030303030303030303030300001".to_owned();
        assert_eq!(text(account(&own)), format!("{cell}00"));
        assert_eq!(text(role(&own, "Ab")), format!("{cell}0161620001"));
        assert_eq!(text(role_count(&own)), format!("{cell}02"));
    }

    proptest! {
        #[test]
        fn roles_keep_the_order_of_their_names(left in "[a-zA-Z0-9+=,.@_-]{1,64}", right in "[a-zA-Z0-9+=,.@_-]{1,64}") {
            let own = Account::default();
            let order = left.to_ascii_lowercase().cmp(&right.to_ascii_lowercase());
            prop_assert_eq!(role(&own, &left).as_bytes().cmp(role(&own, &right).as_bytes()), order);
            prop_assert_eq!(role(&own, &left).cell(), account(&own).cell());
        }
    }
}
