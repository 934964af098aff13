//! Telemetry over a real store.

mod trace;
