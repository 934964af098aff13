//! Functions over a real store and bus, with scripted guests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bench;
mod deliver;
mod faults;
mod idle;
mod invoke;
mod manage;
mod resume;
