//! The jail against real kernels, interpreters and attackers.

mod kit;
mod python;
