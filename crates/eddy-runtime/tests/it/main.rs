//! The jail against real kernels, interpreters and attackers.

#![expect(clippy::print_stderr, reason = "tests say what they skipped, and what they measured")]

mod api;
mod attacks;
mod days;
mod install;
mod kit;
mod machines;
mod oracle;
mod python;
mod supervisor;
mod wakes;
