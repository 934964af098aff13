//! What the wire takes at most.

use std::time::Duration;

/// How long a body may stand still while it is waited for: S3's own bound, as clients know it.
pub const BODY_SILENCE: Duration = Duration::from_secs(20);

/// How deep values of a request may nest. DynamoDB allows 32 levels, each of which is a structure and a map.
pub const DEPTH_MAX: usize = 100;

/// Parameters in the query string of a REST request: each is held against each operation of the service.
pub const QUERY_PARAMETERS_MAX: usize = 1_000;

/// Names in the `SignedHeaders` of a signature. The server takes 100 headers.
pub const SIGNED_HEADERS_MAX: usize = 256;

/// Characters of a part of a credential. An access key is the longest, with at most 128.
pub const CREDENTIAL_PART_CHARS_MAX: usize = 128;

/// Parameters in one form. SendMessageBatch with all attributes has about a thousand.
pub const FORM_PARAMETERS_MAX: usize = 20_000;

/// Different names in all keys of one form together, each of which takes about a kilobyte.
pub const FORM_NAMES_MAX: usize = 50_000;

/// Dots in the key of a form. Keys of the models have at most a dozen; what is deeper no model knows.
pub const FORM_KEY_DOTS_MAX: usize = 32;

/// Elements in one XML document. DeleteObjects and CompleteMultipartUpload carry up to 10,000 entries.
pub const XML_ELEMENTS_MAX: usize = 200_000;

/// Characters of a refused value that a validation text repeats.
pub const SHOWN_VALUE_CHARS_MAX: usize = 4096;

/// Faults that one validation text lists.
pub const VALIDATION_FAULTS_MAX: usize = 100;

/// Steps that a pattern with look-around may take before its value counts as not matching.
pub const PATTERN_STEPS_MAX: usize = 1_000_000;

/// Bytes of one event stream frame, Amazon's own limit (headers and payload are below).
pub const FRAME_BYTES_MAX: usize = 24 << 20;

/// Bytes of the headers of one frame.
pub const FRAME_HEADERS_BYTES_MAX: usize = 128 << 10;
