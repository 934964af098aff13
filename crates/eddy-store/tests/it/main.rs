//! The store from outside, over the real engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod blobs;
mod commits;
mod logs;

use eddy_store::{Key, Range, Space};

/// The spaces of these tests.
pub const THINGS: Space = Space::new(b't', "things");
pub const OTHERS: Space = Space::new(b'u', "others");

/// A row of the one cell that most tests use.
pub fn key(name: &str) -> Key {
    THINGS.key().text("cell").cell().text(name).key()
}

pub fn all() -> Range {
    THINGS.key().text("cell").cell().prefix()
}
