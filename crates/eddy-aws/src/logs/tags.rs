//! Tags of groups, for the old operations and the new ones.

use std::collections::BTreeMap;

use eddy_base::{Code, Fault, Subject};

use super::limits::TAGS_MAX;

/// Puts tags over those of the same key.
///
/// # Errors
/// When a key is Amazon's own, or there are too many.
pub(super) fn add(tags: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) -> Result<(), Fault> {
    if more.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(Fault::invalid("User-defined tag keys can't start with 'aws:'"));
    }
    tags.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    if tags.len() > TAGS_MAX {
        let text = format!("A log group can have no more than {TAGS_MAX} tags.");
        return Err(Fault::new(Code::LimitExceeded, Subject::Tags, text));
    }
    Ok(())
}
