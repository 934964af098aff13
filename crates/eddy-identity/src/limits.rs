//! Every limit of this crate, in one place.

use std::time::Duration;

/// The longest policy document that is read at all; services are stricter.
pub const POLICY_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Statements in one document.
pub const POLICY_STATEMENTS_MAX: usize = 256;

/// The longest life of a jail's session.
pub const SESSION_LIFE_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// Roles of one account. A quota of the real service, kept so that a runaway script is noticed.
pub const ROLES_MAX: usize = 5000;

/// Managed policies attached to one role.
pub const ATTACHED_POLICIES_MAX: usize = 20;

/// Tags of one role.
pub const ROLE_TAGS_MAX: usize = 50;

/// All inline policies of one role together, in characters other than white space.
pub const INLINE_POLICIES_CHARACTERS_MAX: usize = 10_240;

/// A role's trust policy, in characters other than white space.
pub const TRUST_POLICY_CHARACTERS_MAX: usize = 2_048;

/// How often a change is decided anew because another one came between.
pub const CHANGE_ATTEMPTS_MAX: usize = 16;
