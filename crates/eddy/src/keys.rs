//! Every persisted key of the binary itself.
//!
//! | key | value | written by | absent |
//! |---|---|---|---|
//! | `h` | milliseconds since 1970, 8 bytes, big-endian | a health check | before the first one |

use eddy_store::{Key, Space};

/// The binary's key space.
pub const SPACE: Space = Space::new(b'e', "eddy");

/// What health checks write and read.
pub fn health() -> Key {
    SPACE.key().u8(b'h').cell().key()
}
