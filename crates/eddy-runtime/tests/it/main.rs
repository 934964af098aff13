//! The jail against real kernels, interpreters and attackers.

mod attacks;
mod days;
mod install;
mod kit;
mod machines;
mod oracle;
mod python;
mod supervisor;
