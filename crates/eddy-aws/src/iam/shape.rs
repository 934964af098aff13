//! Parts that several operations take or answer.

use std::collections::BTreeMap;

use eddy_base::{Account, Code, Fault, Subject};
use eddy_identity::Role;
use eddy_identity::limits::ROLE_TAGS_MAX;
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::document;
use crate::system_tags;

/// A role as answers show it.
#[derive(Serialize)]
pub(super) struct RoleShape {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Time,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: i64,
    tags: Option<Vec<Tag>>,
    role_last_used: Option<RoleLastUsed>,
}

/// When a role was last used, which is not recorded yet: empty, as for a role that never was.
#[derive(Serialize)]
pub(super) struct RoleLastUsed {}

#[derive(Serialize, Deserialize)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

impl RoleShape {
    /// The short form of lists.
    pub(super) fn short(account: &Account, role: Role) -> RoleShape {
        RoleShape {
            arn: role.arn(account),
            path: role.path,
            role_name: role.name,
            role_id: role.id,
            create_date: role.created.into(),
            assume_role_policy_document: document::encoded(&role.trust),
            description: role.description,
            max_session_duration: role.session_seconds_max.into(),
            tags: None,
            role_last_used: None,
        }
    }

    /// All that is known of a role.
    pub(super) fn full(account: &Account, role: Role) -> RoleShape {
        let tags: Vec<Tag> = tags(&role).collect();
        let tags = Some(tags).filter(|tags| !tags.is_empty());
        RoleShape { tags, role_last_used: Some(RoleLastUsed {}), ..RoleShape::short(account, role) }
    }
}

/// The tags of a role, sorted by key.
pub(super) fn tags(role: &Role) -> impl Iterator<Item = Tag> {
    role.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() })
}

/// Puts tags over those there are. Keys differ by more than case.
pub(super) fn add_tags(known: &mut BTreeMap<String, String>, new: &[Tag]) -> Result<(), Fault> {
    system_tags::refuse(new.iter().map(|tag| &tag.key))?;
    for (index, tag) in new.iter().enumerate() {
        if new[..index].iter().any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return Err(Fault::invalid(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        known.retain(|key, _| !key.eq_ignore_ascii_case(&tag.key));
        known.insert(tag.key.clone(), tag.value.clone());
    }
    if known.len() > ROLE_TAGS_MAX {
        let text = format!("The number of tags has reached the maximum limit of {ROLE_TAGS_MAX}.");
        return Err(Fault::new(Code::LimitExceeded, Subject::Tags, text));
    }
    Ok(())
}
