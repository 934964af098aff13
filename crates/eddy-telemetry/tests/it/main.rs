//! Telemetry over a real store.

mod logs;
mod trace;
