//! Amazon's wire formats, knowing no service.

pub mod checksum;
pub mod chunked;
pub mod incoming;
pub mod outgoing;
pub mod sign;

pub use incoming::Incoming;
pub use outgoing::Outgoing;
