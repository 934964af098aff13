//! Route keys and how a request finds its route.
//!
//! [`Key`] is the text that a user writes (`GET /pets/{id}`, `$default`), parsed once; [`Table`] is what a
//! stage's keys compile to. Nothing here knows what a route leads to.

mod key;
mod table;

pub use key::{Key, Malformed, Method};
pub(crate) use key::{Path, Segment};
pub use table::{Found, Table};
