//! The doors: where connections come in, and which part of eddy answers what comes through them.

mod admin;
mod clock;
mod doors;
mod health;
mod idle;
mod own;
mod taken;

pub(crate) use admin::SERVICE;
pub use doors::Doors;
pub use health::Health;
pub use own::answer;
pub use taken::taken;
