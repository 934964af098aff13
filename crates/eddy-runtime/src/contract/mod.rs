//! What clouds promise a guest: variables, events and answers. One folder for all of them; functions and their
//! names are known here only as text.

pub(crate) mod api;
pub(crate) mod frames;
mod trace;
pub(crate) mod variables;

use bytes::Bytes;

pub use trace::{new_root, trace_header};

use crate::{Failure, Reply};

/// The bootstrap that runs Python handlers.
pub(crate) const PYTHON_BOOTSTRAP: &str = include_str!("bootstrap.py");

/// What a guest said to an event, or at the end of its init.
#[derive(Debug)]
pub(crate) enum Answer {
    Ready,
    InitFailed {
        error_type: String,
        payload: Bytes,
    },
    Reply(Reply),
    Raised {
        error_type: String,
        payload: Bytes,
    },
    TooLarge {
        bytes: u64,
    },
    /// The guest's end of the channel is closed.
    Gone,
    /// Something that the contract does not have.
    Garbled,
}

impl Answer {
    /// The outcome of an invocation. `None` when only the end of the process can tell.
    pub(crate) fn outcome(self) -> Option<Result<Reply, Failure>> {
        match self {
            Answer::Reply(reply) => Some(Ok(reply)),
            Answer::Raised { error_type, payload } => Some(Err(Failure::Function { error_type, payload })),
            Answer::InitFailed { error_type, payload } => Some(Err(Failure::Init { error_type, payload })),
            Answer::TooLarge { bytes } => Some(Err(Failure::ResponseTooLarge { bytes })),
            Answer::Ready | Answer::Garbled => Some(Err(Failure::Truncated)),
            Answer::Gone => None,
        }
    }
}

/// The `errorType` of an error document, or what stands for one that has none.
pub(crate) fn error_type(payload: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Document {
        #[serde(rename = "errorType", default)]
        error_type: String,
    }
    match serde_json::from_slice::<Document>(payload) {
        Ok(document) if !document.error_type.is_empty() => document.error_type,
        Ok(_) | Err(_) => "Runtime.Unknown".to_owned(),
    }
}
