//! Every limit of the request path, in one place. Limits of services stand with their operations.

use std::time::Duration;

/// A request's body, where its operation says nothing else.
pub const BODY_BYTES_MAX: u64 = 6 << 20;

/// A form of awsQuery, whose operation is known only after it has been read.
pub const FORM_BYTES_MAX: u64 = 4 << 20;

/// A form without a signature, for the operations of STS that need none.
pub const UNSIGNED_FORM_BYTES_MAX: u64 = 64 << 10;

/// What is read, and thrown away, of the body of a refused request, so that its client gets to read the answer
/// before the connection ends.
pub const LINGER_BYTES_MAX: u64 = 16 << 20;

/// How long that may take.
pub const LINGER: Duration = Duration::from_secs(5);
