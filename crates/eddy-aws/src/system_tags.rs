//! Tags that only Amazon's own services put on things.

use eddy_base::Fault;

/// Holds the keys of tags that a caller gives.
///
/// # Errors
/// When one is Amazon's, in whatever case.
pub(crate) fn refuse<'a>(mut keys: impl Iterator<Item = &'a String>) -> Result<(), Fault> {
    let is_system = |key: &String| key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    if keys.any(is_system) {
        return Err(Fault::invalid("aws: prefixed tag key names are not allowed for external use."));
    }
    Ok(())
}
