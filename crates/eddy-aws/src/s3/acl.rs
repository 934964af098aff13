//! Access control lists, of which there is one: the owner may do everything.

use eddy_base::Account;
use serde::Serialize;

use super::listing::Owner;
use super::names::owner_id;

#[derive(Serialize)]
pub(super) struct Output {
    owner: Owner,
    grants: Vec<Grant>,
}

#[derive(Serialize)]
struct Grant {
    grantee: Grantee,
    permission: &'static str,
}

#[derive(Serialize)]
struct Grantee {
    id: String,
    r#type: &'static str,
}

pub(super) fn of_owner(account: &Account) -> Output {
    let id = owner_id(account);
    let grantee = Grantee { id: id.clone(), r#type: "CanonicalUser" };
    Output { owner: Owner { id }, grants: vec![Grant { grantee, permission: "FULL_CONTROL" }] }
}
