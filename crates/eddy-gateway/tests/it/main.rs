//! HTTP APIs over a real store and real functions, with scripted guests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bench;
mod config;
mod serve;
